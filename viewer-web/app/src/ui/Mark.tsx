/** The lotus of Sen. */
export function Mark({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" stroke="var(--accent)" strokeWidth="2" strokeLinejoin="round" aria-hidden>
      <path d="M16 5c4 4 5 9 0 19c-5-10-4-15 0-19z" />
      <path d="M16 24C10 22 6 17 7 10c4 1 7 5 9 14z" />
      <path d="M16 24c6-2 10-7 9-14c-4 1-7 5-9 14z" />
      <path d="M16 24C9 25 4 22 2 17c4-1 9 1 14 7z" />
      <path d="M16 24c7 1 12-2 14-7c-4-1-9 1-14 7z" />
    </svg>
  );
}
