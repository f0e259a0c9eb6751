import * as zlib from 'node:zlib';
import { decompress as decompressZstd } from 'fzstd';
import type { CompressionCodec, Compressors as Decompressors, ParquetParsers } from 'hyparquet';
import type { Compressors } from 'hyparquet-writer/src/types.js';
import { unpackLz4 } from './lz4.ts';
import { unpackSnappy } from './snappy.ts';

/** Compression of the data files that are written; the names are those of table property and file name. */
export type Codec = 'zstd' | 'snappy' | 'gzip' | 'uncompressed';

type Transform = (input: Uint8Array) => Uint8Array;

// in node:zlib since Node 22.15
const { zstdCompressSync, zstdDecompressSync } = zlib as {
  zstdCompressSync?: Transform;
  zstdDecompressSync?: Transform;
};

export const DEFAULT_CODEC: Codec = zstdCompressSync ? 'zstd' : 'snappy';

/** The codec that `delta.parquet.compression.codec` names, if it can be written here. */
export function codecOf(property: string | undefined): Codec {
  const name = property?.toLowerCase();
  if (name === 'none' || name === 'uncompressed') return 'uncompressed';
  if (name === 'snappy' || name === 'gzip') return name;
  return DEFAULT_CODEC;
}

export const compressors: Compressors = {
  GZIP: (input) => zlib.gzipSync(input),
  ...(zstdCompressSync && { ZSTD: (input: Uint8Array) => zstdCompressSync(input) }),
};

export const decompressors: Decompressors = {
  SNAPPY: unpackSnappy,
  GZIP: (input) => zlib.gunzipSync(input),
  LZ4_RAW: (input, size) => unpackLz4(input, size),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  // ten times slower in JavaScript, for developers on Node 20: deployed functions have the native one
  ZSTD: zstdDecompressSync ?? ((input) => decompressZstd(input)),
};

export function parquetCodec(codec: Codec): CompressionCodec {
  return codec.toUpperCase() as CompressionCodec;
}

const NANOS_A_MICRO = 1000n;

/** A byte order mark is a character of the value: by default a decoder takes one at the beginning for no part of it. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Timestamps as microseconds in a BigInt, dates as days: hyparquet's own Dates lose what is below 1 ms. */
export const parsers: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array) => bytes && utf8.decode(bytes),
  timestampFromMilliseconds: (millis: bigint) => millis * 1000n,
  timestampFromMicroseconds: (micros: bigint) => micros,
  timestampFromNanoseconds: (nanos: bigint) => {
    const micros = nanos / NANOS_A_MICRO;
    return nanos < 0n && nanos % NANOS_A_MICRO !== 0n ? micros - 1n : micros;
  },
  dateFromDays: (days: number) => days,
};

const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** For bounds in statistics and page indexes: one that was cut inside a character is of no use. */
export const boundParsers: Partial<ParquetParsers> = {
  ...parsers,
  stringFromBytes: (bytes: Uint8Array) => {
    try {
      return bytes && strictUtf8.decode(bytes);
    } catch {
      return undefined;
    }
  },
};
