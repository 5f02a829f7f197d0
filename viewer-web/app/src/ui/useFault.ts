import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';

const faults = ['required', 'invalid', 'tooLong', 'notEditable'] as const;

/** What the server found wrong with a field, in words; null where nothing is. */
export function useFault(): (failure: Error | null, field: string) => string | null {
  const { t } = useTranslation();
  return (failure, field) => {
    const fault = failure instanceof Problem ? failure.fields[field] : undefined;
    return fault === undefined ? null : t(`corrections.error.${faults.find((known) => known === fault) ?? 'invalid'}`);
  };
}
