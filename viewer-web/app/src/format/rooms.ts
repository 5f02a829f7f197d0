/** Rooms as people call them. Codes are unique within a facility only: a code that means several rooms lists their names. */
import type { Room } from '~/api/types';

/** Room code → name. */
export function roomNames(rooms: readonly Room[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { code, name } of rooms) {
    const known = names.get(code);
    if (known === undefined) names.set(code, name);
    else if (!known.split(' / ').includes(name)) names.set(code, `${known} / ${name}`);
  }
  return names;
}
