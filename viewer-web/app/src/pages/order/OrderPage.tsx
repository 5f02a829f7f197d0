import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import { orderFormQuery, systemQuery } from '~/api/queries';
import { server } from '~/api/server';
import type { Exam, OrderForm } from '~/api/types';
import { isoDay, timeOf } from '~/format/dates';
import { personName } from '~/format/person';
import { phrases } from '~/i18n';
import { KeyHints } from '~/ui/KeyHints';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { useProblemText } from '~/ui/useProblemText';
import { check, emptyDraft, orderOf, serverErrors, withCard, withKnown, type Draft, type Field, type FieldErrors } from './draft';
import { ExamFields } from './ExamFields';
import { PatientFields } from './PatientFields';
import { PatientFinder } from './PatientFinder';
import { RecentOrders } from './RecentOrders';
import css from './OrderPage.module.css';

/** Tiếp nhận: a patient found, scanned or made, a chỉ định, saved; then the next one. */
export function OrderPage() {
  const { t } = useTranslation();
  const form = useQuery(orderFormQuery);
  const system = useQuery(systemQuery);
  useEffect(() => {
    document.title = `${t('nav.order')} · Sen`;
  }, [t]);
  if (form.isPending || system.isPending) return <Loading />;
  if (form.isError) return <LoadFailed error={form.error} onRetry={() => void form.refetch()} />;
  return <OrderDesk form={form.data} facility={system.data?.defaultFacility ?? null} />;
}

/** The server's own facility where the clerk works for it, else the first of theirs. */
function usualFacility(form: OrderForm, own: string | null): string | null {
  return (form.facilities.find(({ code }) => code === own) ?? form.facilities[0])?.code ?? null;
}

const now = (): string => timeOf(new Date().toISOString());

function OrderDesk({ form, facility }: { form: OrderForm; facility: string | null }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const box = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState('');
  const [draft, setDraft] = useState<Draft>(() => emptyDraft(isoDay(), now(), usualFacility(form, facility)));
  const [errors, setErrors] = useState<FieldErrors>({});
  const [recent, setRecent] = useState<readonly { exam: Exam; savedAt: string }[]>([]);
  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setErrors({});
  }, []);

  const next = useCallback(() => {
    setDraft((before) => emptyDraft(isoDay(), now(), before.facility));
    setErrors({});
    setTyped('');
    box.current?.focus();
  }, []);
  const save = useMutation({
    mutationFn: server.createOrder,
    onSuccess: (exam) => {
      setRecent((before) => [{ exam, savedAt: new Date().toISOString() }, ...before].slice(0, 20));
      void client.invalidateQueries({ queryKey: ['worklist'] });
      next();
    },
    onError: (error) => error instanceof Problem && setErrors(serverErrors(error.fields, Object.keys(phrases.vi.order.error))),
  });
  const submit = useCallback(() => {
    const found = check(draft, isoDay());
    setErrors(found);
    const order = orderOf(draft);
    if (Object.keys(found).length === 0 && order && !save.isPending) save.mutate(order);
  }, [draft, save]);
  useOrderKeys({ onFind: () => box.current?.select(), onSave: submit, onClear: next });

  const focusForm = (label: string): void => void setTimeout(() => document.querySelector<HTMLInputElement>(`[data-form] input[aria-label="${label}"], [data-form] [data-first]`)?.focus(), 0);
  const error = (field: Field): string | null => {
    const problem = errors[field];
    return problem ? t(`order.error.${problem}`) : null;
  };
  const chosen = (): void => {
    setTyped('');
    focusForm(t('field.procedure'));
  };
  return (
    <div className={css.page}>
      <div className={css.desk} data-form>
        <header className={css.head}>
          <h1>{t('order.title')}</h1>
          <KeyHints keys={[[['/'], t('order.keys.find')], [['Ctrl', 'Enter'], t('order.keys.save')], [['Esc'], t('order.keys.clear')]]} />
        </header>
        <PatientFinder
          box={box} text={typed} onText={setTyped}
          onKnown={(patient) => { setDraft((before) => withKnown(before, patient)); setErrors({}); chosen(); }}
          onCard={(card) => { setDraft((before) => withCard(before, card)); setErrors({}); chosen(); }}
          onNew={(name) => { change({ known: null, name: name.toUpperCase() }); setTyped(''); focusForm(t('order.birth')); }}
        />
        <div className={css.columns}>
          <PatientFields draft={draft} change={change} error={error} onOther={next} />
          <ExamFields draft={draft} form={form} change={change} error={error} />
        </div>
        <footer className={css.foot}>
          <Button onClick={submit} loading={save.isPending}>{t('order.save')}</Button>
          <Button variant="subtle" color="gray" onClick={next}>{t('order.clear')}</Button>
          <SaveState errors={errors} failure={save.error} savedAt={recent[0]?.savedAt ?? null} saved={recent[0]?.exam ?? null} />
        </footer>
      </div>
      <RecentOrders recent={recent} />
    </div>
  );
}

function SaveState({ errors, failure, savedAt, saved }: { errors: FieldErrors; failure: Error | null; savedAt: string | null; saved: Exam | null }) {
  const { t } = useTranslation();
  const why = useProblemText(failure);
  if (Object.keys(errors).length > 0) return <span role="alert">{t('order.check')}</span>;
  if (failure) return <span role="alert">{why}</span>;
  if (!savedAt || !saved) return null;
  return (
    <span role="status">
      <b>{t('order.saved', { time: timeOf(savedAt) })}</b>{' '}
      <span className={css.dim}>{t('order.savedRow', { name: personName(saved.patient.name), accession: saved.accessionNumber })}</span>
    </span>
  );
}

/** `/` finds, Ctrl+Enter saves, Esc starts over. */
function useOrderKeys(keys: { onFind: () => void; onSave: () => void; onClear: () => void }): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented) return;
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) latest.current.onSave();
      else if (event.key === '/' && !typing) latest.current.onFind();
      else if (event.key === 'Escape' && !document.querySelector('[role="listbox"]:not([hidden])')?.checkVisibility()) latest.current.onClear();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
