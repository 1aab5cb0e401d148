/** Takes the state of something in, piece by piece, for a fingerprint: the same pieces in the same order are the same state. */
export interface StateSink {
  /** An integer. */
  number(value: number): void;
  /** 64 bits. */
  quad(value: bigint): void;
  text(value: string): void;
}

/** What can tell its state: everything that its own future depends on, and nothing that it does not. */
export interface Stateful {
  tellState(sink: StateSink): void;
}
