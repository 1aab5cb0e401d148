/** Ctrl-C ends a run early, and what was found so far is reported. A second one ends the process. */
export interface Interruption {
  readonly happened: boolean;
  readonly stopListening: () => void;
}

export function listenForInterruption(then: () => void = () => {}): Interruption {
  let happened = false;
  const interrupted = (): void => {
    happened = true;
    then();
  };
  process.once('SIGINT', interrupted);
  return {
    get happened() {
      return happened;
    },
    stopListening: () => process.off('SIGINT', interrupted),
  };
}
