import { describe, expect, it } from 'vitest';
import { bytes } from './bytes';
import { clock, day, dayAndClock, instant, onWall, parseClock, parseDay, shiftDay, timeOf, wallOf } from './dates';
import { fold, hasWords } from './fold';
import { looksLikeCard, parseCard } from './identityCard';
import { ageOn, birthYear, personName } from './person';

describe('dates', () => {
  it.each([
    ['2026-11-23', '23/11/2026'],
    [null, ''],
    ['not a day', 'not a day'],
  ])('shows %s as %s', (iso, shown) => expect(day(iso)).toBe(shown));

  it('joins what is known of date and time', () => {
    expect(dayAndClock('2026-11-23', '08:15:42')).toBe('23/11/2026 08:15');
    expect(dayAndClock('2026-11-23', null)).toBe('23/11/2026');
    expect(clock('08:15:42')).toBe('08:15');
  });

  it.each([
    ['23/11/2026', '2026-11-23'],
    ['1/2/2026', '2026-02-01'],
    ['23112026', '2026-11-23'],
    ['2026-11-23', '2026-11-23'],
    ['29/02/2024', '2024-02-29'],
    ['29/02/2023', null],
    ['31/04/2026', null],
    ['1978', null],
    ['', null],
  ])('reads the day %s as %s', (typed, iso) => expect(parseDay(typed)).toBe(iso));

  it.each([
    ['8:30', '08:30'],
    ['0830', '08:30'],
    ['8h', '08:00'],
    ['8h30', '08:30'],
    ['7', '07:00'],
    ['24:00', null],
    ['12:60', null],
    ['noon', null],
  ])('reads the time %s as %s', (typed, time) => expect(parseClock(typed)).toBe(time));

  it('shows the digits of an instant, which are the hospital\'s', () => {
    expect(instant('2026-11-23T08:15:42.000+07:00')).toBe('23/11/2026 08:15');
    expect(timeOf('2026-11-23T23:59:00.000-11:00')).toBe('23:59');
    expect(instant(null)).toBe('');
  });

  it('knows what the wall of a zone shows', () => {
    const at = new Date('2026-11-22T17:05:00Z');
    expect(wallOf('Asia/Ho_Chi_Minh', at)).toEqual({ day: '2026-11-23', clock: '00:05' });
    expect(wallOf('America/Los_Angeles', at)).toEqual({ day: '2026-11-22', clock: '09:05' });
  });

  it.each([
    ['+0000', '23/11/2026 03:15'],
    ['-0500', '23/11/2026 08:15'],
    ['+0700', '22/11/2026 20:15'],
    [null, '22/11/2026 20:15'],
    ['east', '22/11/2026 20:15'],
  ])('reads a time sent at %s as %s', (offset, shown) => {
    expect(onWall('2026-11-22', '20:15:00', offset, 'Asia/Ho_Chi_Minh')).toBe(shown);
  });

  it('shows what is known of an incomplete time', () => {
    expect(onWall('2026-11-22', null, '+0000', 'Asia/Ho_Chi_Minh')).toBe('22/11/2026');
    expect(onWall(null, null, '+0000', 'Asia/Ho_Chi_Minh')).toBe('');
  });

  it('moves over the ends of months and years', () => {
    expect(shiftDay('2026-12-31', 1)).toBe('2027-01-01');
    expect(shiftDay('2024-03-01', -1)).toBe('2024-02-29');
  });
});

describe('people', () => {
  it.each([
    ['NGUYỄN^VĂN A', 'NGUYỄN VĂN A'],
    ['TRẦN THỊ B^^^', 'TRẦN THỊ B'],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada Tarou'],
    [null, ''],
  ])('shows %s as %s', (name, shown) => expect(personName(name)).toBe(shown));

  it.each([
    ['2026-11-20', '2026-11-23', { unit: 'days', count: 3 }],
    ['2026-08-24', '2026-11-23', { unit: 'months', count: 2 }],
    ['2026-08-23', '2026-11-23', { unit: 'months', count: 3 }],
    ['1959-11-24', '2026-11-23', { unit: 'years', count: 66 }],
    ['1959-11-23', '2026-11-23', { unit: 'years', count: 67 }],
    ['2027-01-01', '2026-11-23', null],
    [null, '2026-11-23', null],
  ])('is %s old on %s', (born, on, age) => expect(ageOn(born, on)).toEqual(age));

  it('knows the year of birth only when there is one', () => {
    expect(birthYear('1959-11-24')).toBe('1959');
    expect(birthYear(null)).toBe('');
  });
});

describe('folding', () => {
  it.each([
    ['NGUYỄN VĂN A', 'nguyen van a'],
    ['Nguyễn^Văn A'.normalize('NFD'), 'nguyen van a'],
    ['Đặng  Thị Đào', 'dang thi dao'],
  ])('folds %s', (text, folded) => expect(fold(text)).toBe(folded));

  it('finds words by their beginnings, in any order', () => {
    expect(hasWords('Chụp cắt lớp vi tính sọ não', 'nao cat')).toBe(true);
    expect(hasWords('Chụp cắt lớp vi tính sọ não', 'ngực')).toBe(false);
    expect(hasWords('bất kỳ', '')).toBe(true);
  });
});

describe('cards', () => {
  it('reads a citizen card', () => {
    expect(parseCard('001078012345|012345678|Nguyễn Văn A|05081978|Nam|12 Phố Huế, Hà Nội|10052021')).toEqual({
      name: 'Nguyễn Văn A', birthDate: '1978-08-05', sex: 'M', nationalId: '001078012345', insuranceId: null,
    });
  });
  it('reads an insurance card whose name is in hexadecimal', () => {
    const hex = Array.from(new TextEncoder().encode('Trần Thị Bé'), (b) => b.toString(16).padStart(2, '0')).join('');
    expect(parseCard(`hs4010012345678|${hex}|21/03/1990|2|x`)).toEqual({
      name: 'Trần Thị Bé', birthDate: '1990-03-21', sex: 'F', nationalId: null, insuranceId: 'HS4010012345678',
    });
  });
  it('leaves a year alone and other text too', () => {
    expect(parseCard('001078012345||Lê C|1978|Nữ|x')).toMatchObject({ birthDate: null, sex: 'F' });
    expect(parseCard('a|b|c|d')).toBeNull();
    expect(looksLikeCard('nguyen van a')).toBe(false);
  });
});

describe('sizes', () => {
  it.each([
    [0, '0 B'], [999, '999 B'], [1500, '1,5 KB'], [262_000_000, '262 MB'],
  ])('shows %d as %s', (count, shown) => expect(bytes(count, 'vi')).toBe(shown));
});
