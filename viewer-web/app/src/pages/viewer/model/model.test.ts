import { describe, expect, it } from 'vitest';
import type { DataSet } from '~/api/dicomJson';
import { phrases } from '~/i18n';
import { displaySetsOf, kindOf, namingOf } from './displaySets';
import { bindings, commandOf, keyOf } from './keyMap';
import { edgesOf, patientLetters } from './orientation';
import { entriesOf, withPalettes } from './palettes';
import { presetsOf, rangeOf } from './presets';
import { emptyViewer, step, type Step, type ViewerState } from './viewerState';

const press = (code: string, shiftKey = false) => ({ code, shiftKey, ctrlKey: false, altKey: false, metaKey: false });

describe('keys', () => {
  it('leave alone what Vietnamese input methods use', () => {
    const codes = bindings.map(({ code }) => code);
    for (const never of ['Backspace', 'KeyW', 'BracketLeft', 'BracketRight']) expect(codes).not.toContain(never);
  });
  it('mean one thing each', () => {
    const chords = bindings.map(({ code, shift, ctrl }) => `${ctrl ? 'Ctrl+' : ''}${shift ? 'Shift+' : ''}${code}`);
    expect(new Set(chords).size).toBe(chords.length);
  });
  it('reach every action and every tool that has a name', () => {
    const done = bindings.flatMap(({ command }) => (command.kind === 'action' ? [command.name] : command.kind === 'tool' ? [command.tool] : []));
    const named = [...Object.keys(phrases.vi.viewer.action), ...Object.keys(phrases.vi.viewer.tool)];
    expect(done.map(String).toSorted()).toEqual(named.toSorted());
  });
  it.each([
    [press('KeyT'), { kind: 'action', name: 'rotateRight' }],
    [press('KeyT', true), { kind: 'action', name: 'rotateLeft' }],
    [press('Digit2'), { kind: 'preset', digit: '2' }],
    [press('Numpad2'), { kind: 'preset', digit: '2' }],
    [press('Digit2', true), { kind: 'action', name: 'layout2' }],
    [press('Slash', true), { kind: 'action', name: 'help' }],
    [press('Equal', true), { kind: 'action', name: 'zoomIn' }],
    [press('F1'), { kind: 'action', name: 'help' }],
    [{ ...press('KeyT'), ctrlKey: true }, null],
    [{ ...press('KeyZ'), ctrlKey: true }, { kind: 'action', name: 'undoMarks' }],
    [{ ...press('KeyZ'), metaKey: true }, { kind: 'action', name: 'undoMarks' }],
    [{ ...press('Digit2'), ctrlKey: true }, null],
    [press('KeyW'), null],
  ])('%o', (pressed, command) => expect(commandOf(pressed)).toEqual(command));
  it('can be looked up for a button', () => {
    expect(keyOf({ kind: 'tool', tool: 'length' })?.code).toBe('KeyL');
  });
});

describe('presets', () => {
  const sent = { lower: -160, upper: 240 };
  const full = { lower: -1024, upper: 3071 };
  it.each([['CT', 10], ['MR', 4], ['DX', 4]])('of %s have their own digits', (modality, count) => {
    const digits = presetsOf(modality).map(({ digit }) => digit);
    expect(new Set(digits).size).toBe(count);
  });
  it('become ranges of values', () => {
    expect(rangeOf({ is: 'fixed', width: 80, centre: 40 }, sent, full)).toEqual({ lower: 0, upper: 79 });
    expect(rangeOf({ is: 'sent' }, sent, full)).toEqual(sent);
    expect(rangeOf({ is: 'full' }, sent, full)).toEqual(full);
    expect(rangeOf({ is: 'scaled', factor: 0.5 }, { lower: -160, upper: 239 }, full)).toEqual({ lower: -60, upper: 139 });
  });
});

describe('orientation letters', () => {
  it.each([
    [[1, 0, 0], 'L'], [[0, -1, 0], 'A'], [[0, 0, 1], 'H'], [[-0.8, 0.6, 0], 'RP'], [[0.98, 0.1, 0.17], 'L'],
  ] as const)('%o is %s', (direction, letters) => expect(patientLetters(direction)).toBe(letters));
  it('stand at the edges of an axial image', () => {
    expect(edgesOf([1, 0, 0], [0, -1, 0], { by: 'patient' })).toEqual({ right: 'L', left: 'R', top: 'A', bottom: 'P' });
  });
  it('follow a flip and a turn of an image without place', () => {
    const naming = { by: 'image', row: 'L', column: 'F' } as const;
    expect(edgesOf([1, 0, 0], [0, -1, 0], naming)).toEqual({ right: 'L', left: 'R', top: 'H', bottom: 'F' });
    expect(edgesOf([-1, 0, 0], [0, -1, 0], naming)).toEqual({ right: 'R', left: 'L', top: 'H', bottom: 'F' });
    expect(edgesOf([0, -1, 0], [-1, 0, 0], naming)).toEqual({ right: 'H', left: 'F', top: 'R', bottom: 'L' });
  });
  it('are left out when nothing is known', () => {
    expect(edgesOf([1, 0, 0], [0, -1, 0], { by: 'nothing' })).toEqual({ right: '', left: '', top: '', bottom: '' });
  });
});

const ui = (value: unknown) => ({ vr: 'UI', Value: [value] });
const ct = (uid: string, instance: number, z: number): DataSet => ({
  '00080016': ui('1.2.840.10008.5.1.4.1.1.2'), '00080018': ui(uid), '00080060': ui('CT'), '00200013': { vr: 'IS', Value: [instance] },
  '00280010': { vr: 'US', Value: [512] }, '00280011': { vr: 'US', Value: [512] },
  '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] }, '00200032': { vr: 'DS', Value: [0, 0, z] },
});
const loop = (uid: string, frames: number): DataSet => ({ ...ct(uid, 1, 0), '00280008': { vr: 'IS', Value: [frames] }, '00181063': { vr: 'DS', Value: [40] } });
const mask: DataSet = { ...loop('m', 3), '00080016': ui('1.2.840.10008.5.1.4.1.1.66.4') };
const pdf: DataSet = { '00080016': ui('1.2.840.10008.5.1.4.1.1.104.1'), '00080018': ui('9.9'), '00420010': { vr: 'ST', Value: ['Phiếu kết quả'] } };

describe('a series', () => {
  it('is one stack in the order of its numbers, then of its places', () => {
    const [stack, ...rest] = displaySetsOf('1', '2', [ct('c', 3, 0), ct('a', 1, 9), ct('d', 3, 5), ct('b', 2, 4)], 'http://x');
    expect(rest).toEqual([]);
    expect(stack?.is === 'stack' && stack.imageIds.map((id) => /instances\/(\w+)/.exec(id)?.[1])).toEqual(['a', 'b', 'c', 'd']);
    expect(stack?.is === 'stack' && stack.imageIds[0]).toBe('wadors:http://x/dicomweb/studies/1/series/2/instances/a/frames/1');
  });
  it('gives films and documents a place of their own', () => {
    const sets = displaySetsOf('1', '2', [ct('a', 1, 0), loop('b', 30), pdf, mask], '');
    expect(sets.map((set) => (set.is === 'stack' ? [set.key, set.imageIds.length, set.framesPerSecond] : [set.kind, set.title]))).toEqual([
      ['2', 1, 15], ['b', 30, 25], ['pdf', 'Phiếu kết quả'], ['segmentation', ''],
    ]);
    expect(sets.flatMap((set) => (set.is === 'stack' ? set.seriesFrames : []))).toEqual([34, 34]);
  });
  it.each([
    ['1.2.840.10008.5.1.4.1.1.88.59', 'keyObjects'], ['1.2.840.10008.5.1.4.1.1.88.33', 'report'],
    ['1.2.840.10008.5.1.4.1.1.11.1', 'presentation'], ['1.2.840.10008.5.1.4.1.1.481.3', 'radiotherapy'], ['1.2.3', 'other'],
  ])('%s is %s', (sopClass, kind) => expect(kindOf(sopClass)).toBe(kind));
  it('knows where the names of its edges come from', () => {
    expect(namingOf(ct('a', 1, 0))).toEqual({ by: 'patient' });
    expect(namingOf({ '00200020': { vr: 'CS', Value: ['L', 'F'] } })).toEqual({ by: 'image', row: 'L', column: 'F' });
    expect(namingOf({})).toEqual({ by: 'nothing' });
    const shared: DataSet = { '52009229': { vr: 'SQ', Value: [{ '00209116': { vr: 'SQ', Value: [{ '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] } }] } }] } };
    expect(namingOf(shared)).toEqual({ by: 'patient' });
  });
});

describe('colour tables', () => {
  it('are words or bytes', async () => {
    expect(entriesOf(new Uint8Array([0, 1, 255, 255]), 2)).toEqual([256, 65_535]);
    expect(entriesOf(new Uint8Array([0, 1, 255, 0]), 3)).toEqual([0, 1, 255]);
    const table = { vr: 'OW', InlineBinary: btoa('\x00\x01\x02\x03') };
    const descriptor = { vr: 'US', Value: [2, 0, 16] };
    const [set] = await withPalettes([{ '00281101': descriptor, '00281201': table }]);
    expect(set?.['00281201']?.Value).toEqual([256, 770]);
  });
});

describe('cells', () => {
  const after = (...steps: Step[]): ViewerState => steps.reduce(step, emptyViewer);
  it('take series into empty places, each once', () => {
    expect(after({ do: 'show', key: 'a' }, { do: 'fill', keys: ['a', 'b', 'c'] }).cells).toEqual(['a', 'b', 'c', null]);
  });
  it('show one large and go back', () => {
    const large = after({ do: 'fill', keys: ['a', 'b', 'c', 'd'] }, { do: 'layout', layout: '2x2' }, { do: 'enlarge', cell: 2 });
    expect(large).toMatchObject({ layout: '1x1', active: 0, cells: ['c', 'b', 'a', 'd'] });
    expect(step(large, { do: 'enlarge', cell: 0 })).toMatchObject({ layout: '2x2' });
  });
  it('keep the active cell inside the layout and turn around its end', () => {
    const wide = after({ do: 'layout', layout: '2x2' }, { do: 'activate', cell: 3 });
    expect(step(wide, { do: 'turn', by: 1 }).active).toBe(0);
    expect(step(wide, { do: 'layout', layout: '1x2' }).active).toBe(1);
  });
});

