import { useTranslation } from 'react-i18next';
import type { Patient } from '~/api/types';
import { ageOn, birthYear } from '~/format/person';

/** Birth year, sex and age of a patient in words. */
export function usePatientWords() {
  const { t } = useTranslation();
  const sex = (patient: Patient): string => (patient.sex ? t(`exam.sex.${patient.sex}`) : '');
  const age = (patient: Patient, on: string | null): string => {
    const found = ageOn(patient.birthDate, on);
    return found ? t(`exam.age.${found.unit}`, { count: found.count }) : '';
  };
  const short = (patient: Patient): string => [birthYear(patient.birthDate), sex(patient)].filter(Boolean).join(' · ');
  return { sex, age, short };
}
