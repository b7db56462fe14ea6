/** Whose secret signs or verifies lines in Sentinel's format. The secret itself is never on a command line. */
export interface HmacOptions {
  keyFile?: string;
  keyId?: string;
}

export interface TailOptions extends HmacOptions {
  follow?: boolean;
  lines: string;
  format?: string;
  trust?: string;
}

export interface ExportOptions extends HmacOptions {
  format: string;
  out?: string;
  since?: string;
  until?: string;
  trust?: string;
  force?: boolean;
}

export interface VerifyOptions extends HmacOptions {
  trust?: string;
}

export interface ImportOptions extends HmacOptions {
  skipInvalid?: boolean;
}
