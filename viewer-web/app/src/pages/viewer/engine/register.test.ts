import { cache, metaData } from '@cornerstonejs/core';
import { wadors } from '@cornerstonejs/dicom-image-loader';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DataSet } from '~/api/dicomJson';
import { displaySetsOf, type ImageStack } from '../model/displaySets';
import { forgetOthers, registerStack } from './register';

const value = (vr: string, ...Value: unknown[]): { vr: string; Value: unknown[] } => ({ vr, Value });
const object = (uid: string, series: string, frames = 1): DataSet => ({
  '00080018': value('UI', uid), '00081030': value('LO', `of ${series}`), '00280008': value('IS', frames), '00280010': value('US', 4), '00280011': value('US', 4),
}) as DataSet;

function stackOf(series: string, ...sets: DataSet[]): ImageStack {
  const [stack] = displaySetsOf('1', series, sets, 'http://sen');
  if (stack?.is !== 'stack') throw new Error('no stack');
  return stack;
}

/** The description that the loader knows for each image. */
const descriptions = ({ imageIds }: ImageStack): (string | undefined)[] =>
  imageIds.map((imageId) => (metaData.get('generalStudyModule', imageId) as { studyDescription?: string } | undefined)?.studyDescription);

describe('what the loader knows of images', () => {
  beforeAll(() => wadors.register());

  it.each([['single images', [object('1.1', 'a'), object('1.2', 'a')]], ['frames of one object', [object('1.3', 'a', 3)]]])('is what was last said of %s', (_, sets) => {
    const stack = stackOf('1', ...sets);
    registerStack(stack);
    expect(descriptions(stack)).toEqual(stack.imageIds.map(() => 'of a'));
    registerStack(stackOf('1', ...sets.map((set) => ({ ...set, '00081030': value('LO', 'corrected') }) as DataSet)));
    expect(descriptions(stack)).toEqual(stack.imageIds.map(() => 'corrected'));
  });
  it('leaves the data sets as they are, which the page shows and compares', () => {
    const set = object('2.1', 'b', 2);
    const before = structuredClone(set);
    const stack = stackOf('2', set);
    registerStack(stack);
    expect(descriptions(stack)).toEqual(['of b', 'of b']);
    expect([set, 'isMultiframe' in set]).toEqual([before, false]);
  });
  it('goes with the stack, but for what is in the cache', () => {
    const left = stackOf('3', object('3.1', 'c'), object('3.2', 'c'));
    const film = stackOf('4', object('4.1', 'd', 2));
    const shown = stackOf('5', object('5.1', 'e'));
    for (const stack of [left, film, shown]) registerStack(stack);
    forgetOthers([left, film, shown]);
    expect([left, film, shown].map(descriptions)).toEqual([['of c', 'of c'], ['of d', 'of d'], ['of e']]);
    const [, cached = ''] = left.imageIds;
    cache.putImageSync(cached, { imageId: cached, sizeInBytes: 32 } as Parameters<typeof cache.putImageSync>[1]);
    forgetOthers([shown]);
    expect([left, film, shown].map(descriptions)).toEqual([[undefined, 'of c'], [undefined, undefined], ['of e']]);
    registerStack(left);
    expect(descriptions(left)).toEqual(['of c', 'of c']);
    cache.removeImageLoadObject(cached, { force: true });
    forgetOthers([]);
    expect([left, shown].map(descriptions)).toEqual([[undefined, undefined], [undefined]]);
  });
});
