import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '~/api/http';
import { orderFormQuery, systemQuery } from '~/api/queries';
import { server } from '~/api/server';
import type { Exam, OrderForm } from '~/api/types';
import { useZone } from '~/app/session';
import { wallOf } from '~/format/dates';
import { personName } from '~/format/person';
import { phrases } from '~/i18n';
import { usePageKeys } from '~/keys/pageKeys';
import { KeyHints } from '~/ui/KeyHints';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { useLatest } from '~/ui/useLatest';
import { useProblemText } from '~/ui/useProblemText';
import { check, emptyDraft, isBegun, orderOf, serverErrors, withCard, withKnown, withNew, type Draft, type Field, type FieldErrors } from './draft';
import { ExamFields } from './ExamFields';
import { fieldIds } from './fieldIds';
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
  if (form.isLoadingError) return <LoadFailed error={form.error} onRetry={() => void form.refetch()} />;
  return <OrderDesk form={form.data} facility={system.data?.defaultFacility ?? null} />;
}

/** The server's own facility where the clerk works for it, else the first of theirs. */
function usualFacility(form: OrderForm, own: string | null): string | null {
  return (form.facilities.find(({ code }) => code === own) ?? form.facilities[0])?.code ?? null;
}

/** The zone on whose wall the exam's time is. */
function zoneOf(form: OrderForm, facility: string | null, own: string): string {
  return form.facilities.find(({ code }) => code === facility)?.timeZone ?? own;
}

/** A form that was emptied, to be had back. */
type Cleared = Draft | null;

function OrderDesk({ form, facility }: { form: OrderForm; facility: string | null }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const box = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState('');
  const own = useZone();
  const emptyFor = useCallback((code: string | null): Draft => {
    const wall = wallOf(zoneOf(form, code, own));
    return emptyDraft(wall.day, wall.clock, code);
  }, [form, own]);
  const [draft, setDraft] = useState<Draft>(() => emptyFor(usualFacility(form, facility)));
  const [cleared, setCleared] = useState<Cleared>(null);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [recent, setRecent] = useState<readonly { exam: Exam; savedAt: string }[]>([]);
  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setErrors({});
    setCleared(null);
  }, []);

  const next = useCallback(() => {
    setDraft((before) => emptyFor(before.facility));
    setErrors({});
    setTyped('');
    setCleared(null);
    box.current?.focus();
  }, [emptyFor]);
  const clear = (): void => {
    next();
    // Emptying an empty form takes nothing away, and not the way back either.
    setCleared(isBegun(draft) ? draft : cleared);
  };
  const restore = (): void => {
    if (cleared) setDraft(cleared);
    setCleared(null);
  };
  const save = useMutation({
    mutationFn: server.createOrder,
    onSuccess: (exam) => {
      setRecent((before) => [{ exam, savedAt: wallOf(own).clock }, ...before].slice(0, 20));
      void client.invalidateQueries({ queryKey: ['worklist'] });
      next();
    },
    onError: (error) => error instanceof Problem && setErrors(serverErrors(error.fields, Object.keys(phrases.vi.order.error))),
  });
  const submit = useCallback(() => {
    const found = check(draft, wallOf(zoneOf(form, draft.facility, own)).day);
    setErrors(found);
    const order = orderOf(draft);
    if (Object.keys(found).length === 0 && order && !save.isPending) save.mutate(order);
  }, [draft, save, form, own]);
  useOrderKeys({ onFind: () => box.current?.select(), onSave: submit, onClear: clear, onUndo: cleared ? restore : null });

  const error = (field: Field): string | null => {
    const problem = errors[field];
    return problem ? t(`order.error.${problem}`) : null;
  };
  /** The patient stands: on to the first field that is still to be filled. */
  const take = (change: (before: Draft) => Draft, then: keyof typeof fieldIds): void => {
    setDraft(change);
    setErrors({});
    setCleared(null);
    setTyped('');
    setTimeout(() => document.getElementById(fieldIds[then])?.focus(), 0);
  };
  return (
    <div className={css.page}>
      <div className={css.desk}>
        <header className={css.head}>
          <h1>{t('order.title')}</h1>
          <KeyHints keys={[[['/'], t('order.keys.find')], [['Ctrl', 'Enter'], t('order.keys.save')], [['Esc'], t('order.keys.clear')]]} />
        </header>
        <PatientFinder
          box={box} text={typed} onText={setTyped}
          onKnown={(patient) => take((before) => withKnown(before, patient), 'procedure')}
          onCard={(card) => take((before) => withCard(before, card), 'procedure')}
          onNew={(name) => take((before) => withNew(before, name), 'birthDate')}
        />
        <div className={css.columns}>
          <PatientFields draft={draft} change={change} error={error} onOther={clear} />
          <ExamFields draft={draft} form={form} change={change} error={error} />
        </div>
        <footer className={css.foot}>
          <Button onClick={submit} loading={save.isPending}>{t('order.save')}</Button>
          <Button variant="subtle" color="gray" onClick={clear}>{t('order.clear')}</Button>
          {cleared ? <Button variant="default" onClick={restore}>{t('order.bringBack')} <kbd className={css.cap}>Ctrl Z</kbd></Button>
            : <SaveState errors={errors} failure={save.error} savedAt={recent[0]?.savedAt ?? null} saved={recent[0]?.exam ?? null} />}
        </footer>
      </div>
      <RecentOrders recent={recent} />
    </div>
  );
}

function SaveState({ errors, failure, savedAt, saved }: { errors: FieldErrors; failure: Error | null; savedAt: string | null; saved: Exam | null }) {
  const { t } = useTranslation();
  const why = useProblemText(failure, t('order.conflict'));
  if (Object.keys(errors).length > 0) return <span role="alert">{t('order.check')}</span>;
  if (failure) return <span role="alert">{why}</span>;
  if (!savedAt || !saved) return null;
  return (
    <span role="status">
      <b>{t('order.saved', { time: savedAt })}</b>{' '}
      <span className={css.dim}>{t('order.savedRow', { name: personName(saved.patient.name), accession: saved.accessionNumber })}</span>
    </span>
  );
}

/** `/` finds, Ctrl+Enter saves, Esc starts over, Ctrl+Z brings back what that emptied. */
function useOrderKeys(keys: { onFind: () => void; onSave: () => void; onClear: () => void; onUndo: (() => void) | null }): void {
  const { t } = useTranslation();
  usePageKeys(useMemo(() => [{
    title: t('keys.form'),
    lines: [
      { caps: ['/'], what: t('order.keys.find') }, { caps: ['Ctrl', 'Enter'], what: t('order.keys.save') },
      { caps: ['Esc'], what: t('order.keys.clear') }, { caps: ['Ctrl', 'Z'], what: t('order.bringBack') },
    ],
  }], [t]));
  const latest = useLatest(keys);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented) return;
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) latest.current.onSave();
      // An empty box has no typing of its own to take back.
      else if (event.code === 'KeyZ' && (event.ctrlKey || event.metaKey) && latest.current.onUndo) latest.current.onUndo();
      else if (event.key === '/' && !typing) latest.current.onFind();
      else if (event.key === 'Escape' && !document.querySelector('[role="listbox"]:not([hidden])')?.checkVisibility()) latest.current.onClear();
      else return;
      event.preventDefault();
    };
    // Before the fields: an Esc that closes a list of choices is no Esc of the form, and only now can one see that list.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [latest]);
}
