import { expect, it } from 'vitest';
import { numbersIn } from './numbers';

it('reads numbers and ranges of images', () => {
  const known = [1, 2, 3, 4, 7, 12];
  expect(numbersIn('3-7, 12', known)).toEqual([3, 4, 7, 12]);
  expect(numbersIn(' 2 4;99', known)).toEqual([2, 4]);
  expect(numbersIn('', known)).toEqual([]);
  expect(numbersIn('3-', known)).toBeNull();
  expect(numbersIn('ba', known)).toBeNull();
});
