import { describe, expect, it } from 'vitest';
import { changed, encoded, isNoDay, readable } from './fields';

describe('attributes as people type them', () => {
  it('are read without the forms of DICOM', () => {
    expect(readable('PatientName', 'NGUYỄN^VĂN A')).toBe('NGUYỄN VĂN A');
    expect(readable('PatientName', 'Trần^Hồng^Thị Bích')).toBe('Trần Thị Bích Hồng');
    expect(readable('PatientBirthDate', '19800203')).toBe('1980-02-03');
    expect(readable('StudyTime', '081542.25')).toBe('08:15:42');
    expect(readable('StudyTime', '0815')).toBe('08:15');
    expect(readable('StudyDescription', null)).toBe('');
  });

  it('are sent in them', () => {
    expect(encoded('PatientBirthDate', '1980-02-03')).toBe('19800203');
    expect(encoded('StudyTime', '08:15')).toBe('0815');
    expect(encoded('StudyID', '  ')).toBeNull();
  });

  it('are never taken for nothing when they are no day', () => {
    expect(isNoDay('PatientBirthDate', '31/02/1980')).toBe(true);
    expect(isNoDay('PatientBirthDate', '1980-02-03')).toBe(false);
    expect(isNoDay('PatientBirthDate', ' ')).toBe(false);
    expect(isNoDay('StudyID', '31/02/1980')).toBe(false);
    expect(encoded('PatientBirthDate', '31-02-1980')).toBe('31-02-1980');
    expect(changed([{ keyword: 'PatientBirthDate', value: '19800203' }], { PatientBirthDate: '31/02/1980' })).toEqual({ PatientBirthDate: '31/02/1980' });
  });

  it('count as changed only where they differ', () => {
    const attributes = [
      { keyword: 'PatientName', value: 'NGUYỄN^VĂN A' }, { keyword: 'StudyTime', value: '081542.25' }, { keyword: 'StudyID', value: '7' },
    ] as const;
    expect(changed(attributes, { PatientName: 'NGUYỄN VĂN A ', StudyTime: '08:15:42', StudyID: '' })).toEqual({ StudyID: null });
    expect(changed(attributes, { PatientName: 'TRẦN B' })).toEqual({ PatientName: 'TRẦN B' });
  });
});
