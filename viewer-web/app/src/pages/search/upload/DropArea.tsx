import { IconUpload } from '@tabler/icons-react';
import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { fromDrop, type Named } from './collect';
import css from './upload.module.css';

interface Props {
  enabled: boolean;
  onFiles: (files: readonly Named[]) => void;
  onReading: (count: number | null) => void;
  children: ReactNode;
}

/** The whole page takes files and folders. */
export function DropArea({ enabled, onFiles, onReading, children }: Props) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  // Entering a child fires before leaving its parent: depth says when the pointer is really gone.
  const depth = useRef(0);
  const carriesFiles = (event: DragEvent): boolean => enabled && event.dataTransfer.types.includes('Files');
  const drop = async (event: DragEvent): Promise<void> => {
    onReading(0);
    onFiles(await fromDrop(event.dataTransfer, onReading));
  };
  return (
    <div
      className={css.area}
      onDragEnter={(event) => {
        if (!carriesFiles(event)) return;
        depth.current += 1;
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!carriesFiles(event)) return;
        depth.current -= 1;
        if (depth.current <= 0) setOver(false);
      }}
      onDragOver={(event) => carriesFiles(event) && event.preventDefault()}
      onDrop={(event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        void drop(event);
      }}
    >
      {children}
      {over && <div className={css.over}><IconUpload size={28} stroke={1.4} /><span>{t('search.upload.drop')}</span></div>}
    </div>
  );
}
