import { ActionIcon, Button, Select, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { orderFormQuery } from '~/api/queries';
import type { ImagingRecord } from '~/api/types';
import { useFault } from '~/ui/useFault';
import type { RecordActs } from './useRecordActs';
import css from './RecordPage.module.css';

/** Authorities that every archive knows, beside the facilities. */
const everywhere = ['CCCD', 'BHYT'];

/** Every number that leads to this patient; more can be linked, and taken away again. */
export function Numbers({ record, acts }: { record: ImagingRecord; acts: RecordActs }) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const [reason, setReason] = useState('');
  const said = (): void => setReason('');
  return (
    <section>
      <h2>{t('record.numbers')}</h2>
      <ul className={css.numbers}>
        {record.numbers.map((number) => (
          <li key={`${number.issuer}|${number.identifier}`}>
            <span className={css.issuer}>{number.issuer}</span>
            <b>{number.identifier}</b>
            {number.registered ? <span className={css.dim}>{t('record.registered')}</span> : record.mayReconcile && (
              <ActionIcon aria-label={`${t('record.numberRemove')} ${number.identifier}`} disabled={acts.busy} onClick={() => acts.removeNumber(record.recordId, number, reason.trim(), said)}><IconX size={14} /></ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {record.mayReconcile && (
        <>
          <Add record={record} acts={acts} reason={reason.trim()} onAdded={said} />
          <TextInput className={css.why ?? ''} label={t('record.numberReason')} value={reason} error={faultOf(acts.failureOf('numbers'), 'reason')} onChange={(event) => setReason(event.currentTarget.value)} />
        </>
      )}
    </section>
  );
}

function Add({ record, acts, reason, onAdded }: { record: ImagingRecord; acts: RecordActs; reason: string; onAdded: () => void }) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const { data: form } = useQuery(orderFormQuery);
  const issuers = [...everywhere, ...(form?.facilities ?? []).map(({ code }) => code)];
  const [issuer, setIssuer] = useState<string>('CCCD');
  const [identifier, setIdentifier] = useState('');
  const add = (event: FormEvent): void => {
    event.preventDefault();
    if (identifier.trim() === '' || acts.busy) return;
    acts.addNumber(record.recordId, { identifier: identifier.trim(), issuer, registered: false }, reason, () => {
      setIdentifier('');
      onAdded();
    });
  };
  return (
    <form className={css.add} onSubmit={add}>
      <Select w={96} aria-label={t('record.issuer')} data={issuers} value={issuer} allowDeselect={false} onChange={(code) => code && setIssuer(code)} />
      <TextInput style={{ flex: 1 }} aria-label={t('record.number')} placeholder={t('record.number')} value={identifier} error={faultOf(acts.failureOf('numbers'), 'identifier')} onChange={(event) => setIdentifier(event.currentTarget.value)} />
      <Button type="submit" variant="default" disabled={acts.busy || identifier.trim() === ''}>{t('record.numberAdd')}</Button>
    </form>
  );
}
