import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useZone } from '~/app/session';
import { wallOf } from '~/format/dates';
import { useConnection } from './changes';
import css from './live.module.css';

/** Says that the line is down and how old the shown data is; nothing while all is well. */
export function ConnectionBar() {
  const { t } = useTranslation();
  const connection = useConnection();
  const zone = useZone();
  const [lostAt, setLostAt] = useState<string | null>(null);
  useEffect(() => {
    if (connection !== 'lost') {
      setLostAt(null);
      return undefined;
    }
    const since = wallOf(zone).clock;
    // A server that restarts is back before anybody needs to read about it.
    const wait = setTimeout(() => setLostAt(since), 2500);
    return () => clearTimeout(wait);
  }, [connection, zone]);
  if (lostAt === null) return null;
  return (
    <div className={css.lost} role="alert">
      <IconPlugConnectedX size={16} />
      {t('state.offline', { time: lostAt })}
    </div>
  );
}
