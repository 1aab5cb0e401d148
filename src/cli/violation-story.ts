/** The story of a violation, from the events of the run that it happened in. */
import type { Violation } from '../coherence/violation.ts';
import { type StoryLine, type StorySubject, tellStory } from '../trace/story.ts';
import type { TimedEvent } from '../trace/timed-event.ts';

/** Null for a walk through a freed structure that no cached entry led to. */
export function storySubject({ translation, change, use }: Violation): StorySubject | null {
  if (translation === null) return null;
  const { serial, mm, page, pages, frame } = translation;
  const entry = change?.kind === 'entry' ? change.address : null;
  return { serial, mm, page, pages, entry, frame, until: use.time };
}

export function violationStory(violation: Violation, events: readonly TimedEvent[]): StoryLine[] {
  const subject = storySubject(violation);
  return subject === null ? [] : tellStory(events, subject);
}
