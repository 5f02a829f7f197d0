/** A file of an upload with its path below what was dropped. */
export interface Named {
  name: string;
  file: File;
}

/** The files of a file chooser, of single files or of a folder. */
export function fromInput(list: FileList): Named[] {
  return [...list].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** Everything that was dropped, folders walked through; `onFound` is told how many files there are so far. */
export async function fromDrop(transfer: DataTransfer, onFound: (count: number) => void): Promise<Named[]> {
  // The list of items dies with the event: entries are taken before anything is awaited.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: Named[] = [];
  const waiting: FileSystemEntry[] = entries.toReversed();
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    if (entry.isFile) {
      const file = await fileOf(entry as FileSystemFileEntry);
      if (file) found.push({ name: entry.fullPath.replace(/^\//, ''), file });
      if (found.length % 100 === 0) onFound(found.length);
    } else {
      waiting.push(...(await childrenOf(entry as FileSystemDirectoryEntry)).toReversed());
    }
  }
  return found;
}

function fileOf(entry: FileSystemFileEntry): Promise<File | null> {
  return new Promise((resolve) => entry.file(resolve, () => resolve(null)));
}

/** All children: a reader gives them a hundred at a time until it gives none. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
