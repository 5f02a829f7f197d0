/** The letters at the edges of an image: R L A P H F, as the image lies on the screen now. */

/** A direction in the patient (LPS: left, posterior, head are positive) or in the image plane. */
export type Direction = readonly [number, number, number];

/** The letters at the four edges; empty where unknown. */
export interface Edges {
  top: string;
  right: string;
  bottom: string;
  left: string;
}

/** Where directions on the screen get their names from. */
export type Naming =
  /** The image knows its place in the patient (0020,0037). */
  | { by: 'patient' }
  /** Only (0020,0020) is known: the letters of the row's and the column's direction. */
  | { by: 'image'; row: string; column: string }
  | { by: 'nothing' };

const opposite: Record<string, string> = { R: 'L', L: 'R', A: 'P', P: 'A', H: 'F', F: 'H' };

/** Names the edges from where screen right and screen up point. */
export function edgesOf(right: Direction, up: Direction, naming: Naming): Edges {
  const name = (direction: Direction): string => {
    if (naming.by === 'patient') return patientLetters(direction);
    return naming.by === 'image' ? imageLetters(direction, naming.row, naming.column) : '';
  };
  return { right: name(right), left: name(reversed(right)), top: name(up), bottom: name(reversed(up)) };
}

/** Up to two letters, the strongest axis first; a tilt of less than about 17° is not named. */
export function patientLetters([x, y, z]: Direction): string {
  const axes = [
    { size: Math.abs(x), letter: x > 0 ? 'L' : 'R' },
    { size: Math.abs(y), letter: y > 0 ? 'P' : 'A' },
    { size: Math.abs(z), letter: z > 0 ? 'H' : 'F' },
  ];
  return axes.filter(({ size }) => size > 0.3).toSorted((a, b) => b.size - a.size).slice(0, 2).map(({ letter }) => letter).join('');
}

/** In an image without place its rows run along x and its columns along y. */
function imageLetters([x, y]: Direction, row: string, column: string): string {
  if (Math.abs(x) > 0.9) return x > 0 ? row : flipped(row);
  if (Math.abs(y) > 0.9) return y > 0 ? column : flipped(column);
  return '';
}

function flipped(letters: string): string {
  return [...letters].map((letter) => opposite[letter] ?? '').join('');
}

// Not -0: equality of what is shown should not depend on the sign of nothing.
const reversed = ([x, y, z]: Direction): Direction => [0 - x, 0 - y, 0 - z];
