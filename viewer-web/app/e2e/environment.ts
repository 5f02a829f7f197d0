/** What a run of the journeys needs to know, from the environment. */

/** Where the server is, who signs in, and what to compare. */
export interface Environment {
  url: string;
  user: string;
  password: string;
  chromium: string;
  /** A file with the true values of one image, as `ExpectedImage`. */
  expected: string | null;
  /** The folder of the page that `loader/build.ts` has built. */
  loader: string;
  /** Accession number of an exam of which a console has reported. */
  performedAccession: string | null;
  /** Where screenshots go; none are taken without it. */
  shots: string | null;
}

/** Reads the environment; throws when the address or the page of another viewer's loader is missing. */
export function environment(): Environment {
  const { SEN_E2E_URL, SEN_E2E_USER, SEN_E2E_PASSWORD, SEN_E2E_CHROMIUM, SEN_E2E_EXPECTED, SEN_E2E_LOADER, SEN_E2E_SHOTS, SEN_E2E_PERFORMED } = process.env;
  if (!SEN_E2E_URL) throw new Error('SEN_E2E_URL is not set: the address of a running sen, such as http://127.0.0.1:8080');
  if (!SEN_E2E_LOADER) throw new Error('SEN_E2E_LOADER is not set: the folder that `tsx e2e/loader/build.ts FOLDER` has built into');
  return {
    url: SEN_E2E_URL.replace(/\/$/, ''),
    user: SEN_E2E_USER ?? 'admin',
    password: SEN_E2E_PASSWORD ?? '',
    chromium: SEN_E2E_CHROMIUM ?? '/usr/bin/chromium',
    expected: SEN_E2E_EXPECTED ?? null,
    loader: SEN_E2E_LOADER,
    performedAccession: SEN_E2E_PERFORMED || null,
    shots: SEN_E2E_SHOTS ?? null,
  };
}
