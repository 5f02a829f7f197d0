/** Ids of the fields that the form moves the focus to. */
export const fieldIds = { birthDate: 'order-birth-date', procedure: 'order-procedure' } as const;
