/** Window presets. The number is the digit key that chooses the preset. */

/** Names of presets, each with a word in both languages. */
export type PresetName =
  | 'default' | 'full' | 'brain' | 'subdural' | 'stroke' | 'lung' | 'mediastinum' | 'abdomen' | 'liver' | 'bone' | 'angio' | 'soft' | 'hard';

/** What a preset asks of the image: its own window, its whole range, a fixed window, or its own one scaled. */
export type PresetWindow =
  | { is: 'sent' }
  | { is: 'full' }
  | { is: 'fixed'; width: number; centre: number }
  | { is: 'scaled'; factor: number };

/** A preset and its key. */
export interface Preset {
  name: PresetName;
  digit: string;
  window: PresetWindow;
}

const fixed = (name: PresetName, digit: string, width: number, centre: number): Preset => ({
  name, digit, window: { is: 'fixed', width, centre },
});

const own: Preset = { name: 'default', digit: '1', window: { is: 'sent' } };

/** Hounsfield windows in common use. */
const ct: readonly Preset[] = [
  own,
  fixed('brain', '2', 80, 40),
  fixed('subdural', '3', 215, 75),
  fixed('stroke', '4', 40, 40),
  fixed('lung', '5', 1500, -600),
  fixed('mediastinum', '6', 350, 50),
  fixed('abdomen', '7', 400, 50),
  fixed('liver', '8', 150, 90),
  fixed('bone', '9', 1800, 400),
  fixed('angio', '0', 600, 300),
];

/** Where values have no common scale, presets are relative to the image's own window. */
const relative: readonly Preset[] = [
  own,
  { name: 'full', digit: '2', window: { is: 'full' } },
  { name: 'soft', digit: '3', window: { is: 'scaled', factor: 1.6 } },
  { name: 'hard', digit: '4', window: { is: 'scaled', factor: 0.6 } },
];

/** The presets of a modality. */
export function presetsOf(modality: string): readonly Preset[] {
  return modality === 'CT' ? ct : relative;
}

/** A range of values from black to white. */
export interface Range {
  lower: number;
  upper: number;
}

/** The range a preset means for an image with its own window and its extreme values (linear, PS3.3 C.11.2.1.2). */
export function rangeOf(window: PresetWindow, sent: Range, full: Range): Range {
  if (window.is === 'sent') return sent;
  if (window.is === 'full') return full;
  const centre = window.is === 'fixed' ? window.centre : (sent.lower + sent.upper + 1) / 2;
  const width = window.is === 'fixed' ? window.width : (sent.upper - sent.lower + 1) * window.factor;
  return { lower: centre - 0.5 - (width - 1) / 2, upper: centre - 0.5 + (width - 1) / 2 };
}
