import { describe, expect, it } from 'vitest';
import { FrameQueue, type Wanted } from './frameQueue';
import type { Way } from './transport';

const plain: Way = { compressed: false, coarseFirst: false, parallel: 20, batch: 1, whole: false };

/** A queue over loads whose images come when the test says so. */
function held(way: Partial<Way> = {}) {
  const asked: string[] = [];
  const requests: string[][] = [];
  const given: string[] = [];
  const kept: string[][] = [];
  const wholes: { ids: readonly string[]; bring: (id: string, state: 'loaded' | 'failed') => void; end: () => void }[] = [];
  const answers = new Map<string, { come: (value?: boolean) => void; fail: () => void }>();
  const answer = (key: string, ids: readonly string[], signal: AbortSignal): Promise<boolean> => new Promise((resolve, reject) => {
    answers.set(key, { come: (value = true) => resolve(value), fail: () => reject(new Error(key)) });
    signal.addEventListener('abort', () => {
      given.push(...ids);
      reject(new Error('given up'));
    });
  });
  const queue = new FrameQueue({
    full: (ids, signal) => {
      requests.push([...ids]);
      return ids.map((id) => {
        asked.push(id);
        return answer(id, [id], signal);
      });
    },
    whole: (ids, signal, bring) => new Promise((resolve, reject) => {
      wholes.push({ ids, bring, end: resolve });
      signal.addEventListener('abort', () => {
        given.push('series');
        reject(new Error('given up'));
      });
    }),
    coarse: (id, signal) => {
      asked.push(`~${id}`);
      return answer(`~${id}`, [id], signal);
    },
    keepOnly: (ids) => void kept.push([...ids]),
  }, () => undefined);
  const want = (...stacks: (Omit<Wanted, 'way' | 'seriesFrames'> & { seriesFrames?: number })[]): void => {
    queue.want(stacks.map((stack) => ({ seriesFrames: stack.imageIds.length, ...stack, way: () => ({ ...plain, ...way }) })));
  };
  const settle = async (): Promise<void> => void (await new Promise((resolve) => setImmediate(resolve)));
  return { asked, requests, given, kept, wholes, answers, queue, want, settle };
}

describe('loading', () => {
  const imageIds = ['0', '1', '2', '3', '4', '5'];
  it('begins nearest to what is shown and keeps to its number of requests', async () => {
    const { asked, answers, want, settle } = held({ parallel: 3 });
    want({ imageIds, index: 2, most: 9 });
    expect(asked).toEqual(['2', '3', '1']);
    answers.get('2')?.come();
    await settle();
    expect(asked).toEqual(['2', '3', '1', '4']);
  });
  it('follows the reader', async () => {
    const { asked, answers, want, settle } = held({ parallel: 1 });
    want({ imageIds, index: 0, most: 9 });
    want({ imageIds, index: 5, most: 9 });
    answers.get('0')?.come();
    await settle();
    expect(asked).toEqual(['0', '5']);
  });
  it('shares between stacks by distance', () => {
    const { asked, want } = held({ parallel: 4 });
    want({ imageIds: ['a0', 'a1', 'a2'], index: 0, most: 9 }, { imageIds: ['b0', 'b1', 'b2'], index: 0, most: 9 });
    expect(asked).toEqual(['a0', 'b0', 'a1', 'b1']);
  });
  it('holds no more of a long stack than there is room for', async () => {
    const { asked, answers, queue, want, settle } = held({ parallel: 9 });
    want({ imageIds, index: 2, most: 4 });
    expect(asked).toEqual(['2', '3', '1']);
    answers.get('2')?.come();
    await settle();
    queue.forget('2');
    want({ imageIds, index: 5, most: 4 });
    expect(asked).toEqual(['2', '3', '1', '5', '4']);
  });
  it('does not look at all images of a long stack for each that comes, and finds what failed near by again', async () => {
    const { asked, answers, queue, want, settle } = held({ parallel: 1 });
    let looks = 0;
    const count = { get: (ids: string[], key: string | symbol): unknown => {
      looks += 1;
      return Reflect.get(ids, key);
    } };
    const long = Array.from({ length: 200 }, (_, at) => `${at}`);
    want({ imageIds: new Proxy(long, count), index: 0, most: 999 });
    for (const imageId of long) {
      if (imageId === '3') answers.get(imageId)?.fail();
      else answers.get(imageId)?.come();
      await settle();
    }
    expect(queue.count(long)).toEqual({ loaded: 199, failed: 1 });
    expect(looks).toBeLessThan(200 * 30);
    queue.retry(['3']);
    expect(asked.slice(200)).toEqual(['3']);
  });
  it('counts failures and tries them again when asked', async () => {
    const { asked, answers, queue, want, settle } = held({ parallel: 2 });
    want({ imageIds: ['x', 'y'], index: 0, most: 9 });
    answers.get('x')?.fail();
    answers.get('y')?.come();
    await settle();
    expect(queue.count(['x', 'y'])).toEqual({ loaded: 1, failed: 1 });
    queue.retry(['x', 'y']);
    expect(asked).toEqual(['x', 'y', 'x']);
    expect(queue.stateOf('x')).toBe('loading');
  });
  it('gives up what is no longer shown, which has not failed', async () => {
    const { given, queue, want, settle } = held({ parallel: 2 });
    want({ imageIds, index: 0, most: 9 });
    want({ imageIds: ['a'], index: 0, most: 9 });
    await settle();
    expect(given).toEqual(['0', '1']);
    expect([queue.stateOf('0'), queue.stateOf('1'), queue.stateOf('a')]).toEqual(['waiting', 'waiting', 'loading']);
  });
  it('asks for the frames of a film in batches, two at a time', async () => {
    const { requests, answers, queue, want, settle } = held({ parallel: 20, batch: 2 });
    want({ imageIds, index: 0, most: 9 });
    expect(requests).toEqual([['0', '1'], ['2', '3']]);
    answers.get('0')?.come();
    await settle();
    expect(queue.count(imageIds).loaded).toBe(1);
    expect(requests).toHaveLength(2);
    answers.get('1')?.fail();
    await settle();
    expect(requests.at(-1)).toEqual(['4', '5']);
    expect(queue.count(imageIds)).toEqual({ loaded: 1, failed: 1 });
  });
});

describe('a series in one answer', () => {
  const imageIds = Array.from({ length: 40 }, (_, at) => `${at}`);
  it('brings what is not shown, and what it does not bring comes alone', async () => {
    const { asked, answers, wholes, queue, want, settle } = held({ whole: true });
    want({ imageIds, index: 3, most: 99 });
    expect(asked).toEqual(['3']);
    expect(wholes.map(({ ids }) => ids)).toEqual([imageIds.filter((id) => id !== '3')]);
    answers.get('3')?.come();
    for (const id of imageIds.slice(0, 30)) wholes[0]?.bring(id, id === '7' ? 'failed' : 'loaded');
    await settle();
    expect(queue.count(imageIds)).toEqual({ loaded: 29, failed: 1 });
    expect(asked).toEqual(['3']);
    wholes[0]?.end();
    await settle();
    expect(asked.slice(1)).toEqual(imageIds.slice(30));
    expect(wholes).toHaveLength(1);
  });
  it('is not asked for when most is here, when others fill the answer, when there is no room, or on a slower line', async () => {
    const most = held({ whole: true });
    for (const id of imageIds.slice(0, 25)) most.queue.note(id, 'loaded');
    most.want({ imageIds, index: 3, most: 99 });
    const others = held({ whole: true });
    others.want({ imageIds, index: 3, most: 99, seriesFrames: 1000 });
    const large = held({ whole: true });
    large.want({ imageIds, index: 3, most: 39 });
    const slower = held();
    slower.want({ imageIds, index: 3, most: 99 });
    for (const { wholes, asked } of [most, others, large, slower]) expect([wholes.length, asked.length > 10]).toEqual([0, true]);
  });
  it('is given up with its stack, and asked for again when that is shown again', async () => {
    const { given, wholes, queue, want, settle } = held({ whole: true });
    want({ imageIds, index: 0, most: 99 });
    wholes[0]?.bring('1', 'loaded');
    want({ imageIds: ['a'], index: 0, most: 99 });
    await settle();
    expect(given).toEqual(['0', 'series']);
    expect(queue.count(imageIds)).toEqual({ loaded: 1, failed: 0 });
    want({ imageIds, index: 0, most: 99 });
    expect(wholes[1]?.ids).toEqual(imageIds.slice(2));
  });
  it('comes beside that of another stack, and no third', () => {
    const { wholes, want } = held({ whole: true });
    const named = (letter: string): string[] => imageIds.map((id) => letter + id);
    want(...['a', 'b', 'c'].map((letter) => ({ imageIds: named(letter), index: 0, most: 99 })));
    expect(wholes.map(({ ids }) => ids[0])).toEqual(['a1', 'b1']);
  });
});

describe('coarse pictures', () => {
  const imageIds = ['0', '1', '2'];
  it('come of all images before the first whole one', async () => {
    const { asked, answers, queue, want, settle } = held({ parallel: 2, coarseFirst: true });
    want({ imageIds, index: 1, most: 9 });
    expect(asked).toEqual(['~1', '~2']);
    answers.get('~1')?.come();
    await settle();
    expect(queue.stateOf('1')).toBe('coarse');
    answers.get('~2')?.come();
    answers.get('~0')?.come();
    await settle();
    expect(asked).toEqual(['~1', '~2', '~0', '1', '2']);
  });
  it('are not looked for again where there are none', async () => {
    const { asked, answers, want, settle } = held({ parallel: 1, coarseFirst: true });
    want({ imageIds: ['0'], index: 0, most: 9 });
    answers.get('~0')?.come(false);
    await settle();
    expect(asked).toEqual(['~0', '0']);
  });
  it('do not hide an image that came by another way, and go with their stack', async () => {
    const { given, answers, queue, want, settle } = held({ parallel: 2, coarseFirst: true });
    want({ imageIds: ['0', '1'], index: 0, most: 9 });
    queue.note('0', 'loaded');
    answers.get('~0')?.come();
    answers.get('~1')?.come();
    await settle();
    expect([queue.stateOf('0'), queue.stateOf('1')]).toEqual(['loaded', 'loading']);
    const other = held({ parallel: 1, coarseFirst: true });
    other.want({ imageIds: ['0', '1'], index: 0, most: 9 });
    other.answers.get('~0')?.come();
    await other.settle();
    expect(other.queue.stateOf('0')).toBe('coarse');
    other.want({ imageIds: ['1', 'x'], index: 0, most: 9 });
    expect([other.kept, other.queue.stateOf('0'), other.given]).toEqual([[['1', 'x']], 'waiting', []]);
    other.want();
    expect([other.kept.at(-1), other.given]).toEqual([[], ['1']]);
    expect(given).toEqual([]);
  });
});
