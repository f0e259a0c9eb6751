/** Something that verification found wrong. The kinds are printed by `pipeline lake verify` and may be parsed. */
export interface Finding {
  kind:
    | 'file-missing'
    | 'file-size'
    | 'file-unreadable'
    | 'row-count'
    | 'statistics'
    | 'id-content'
    | 'id-twice'
    | 'log-gap'
    | 'checkpoint-unreadable'
    | 'checkpoint-differs'
    | 'state-differs';
  /** A file's path or a version. */
  where: string;
  what: string;
}

/** Receives each finding as soon as it is made; verification waits for it. */
export type Report = (finding: Finding) => Promise<void>;
