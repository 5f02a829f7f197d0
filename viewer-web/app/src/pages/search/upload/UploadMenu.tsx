import { Button, Menu } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useRef, type ChangeEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { fromInput, type Named } from './collect';

/** The button for those who do not drag: files, or a whole folder. */
export function UploadMenu({ onFiles }: { onFiles: (files: readonly Named[]) => void }) {
  const { t } = useTranslation();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: ChangeEvent<HTMLInputElement>): void => {
    if (event.currentTarget.files) onFiles(fromInput(event.currentTarget.files));
    event.currentTarget.value = '';
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" leftSection={<IconUpload size={15} />}>{t('search.upload.button')}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => files.current?.click()}>{t('search.upload.files')}</Menu.Item>
          <Menu.Item onClick={() => folder.current?.click()}>{t('search.upload.folder')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <input ref={files} type="file" multiple hidden aria-label={t('search.upload.files')} onChange={take} />
      <input
        ref={(input) => {
          folder.current = input;
          input?.setAttribute('webkitdirectory', '');
        }}
        type="file" multiple hidden aria-label={t('search.upload.folder')} onChange={take}
      />
    </>
  );
}
