/** Type of a value inside an event's data; each dialect has its own name for it. */
export type FieldType = ScalarType | StructType | ArrayType;

export type ScalarKind =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'decimal'
  /** Anything: stays JSON. */
  | 'json';

export interface ScalarType {
  kind: ScalarKind;
}

export interface StructType {
  kind: 'struct';
  fields: readonly Field[];
}

/** Elements are never arrays: BigQuery has no arrays of arrays. */
export interface ArrayType {
  kind: 'array';
  items: ScalarType | StructType;
}

export interface Field {
  /** Name of the JSON member. */
  key: string;
  /** Name in SQL: letters, digits and underscores, unique among its siblings whatever the case. */
  name: string;
  type: FieldType;
  /** Whether every version of the schema has it in each event. */
  isRequired: boolean;
  /** From the schema's description, title and enumerated values. */
  comment: string;
}

/** Digits that a decimal may have: those of BigQuery's NUMERIC. */
export const DECIMAL = { precision: 38, scale: 9 } as const;
