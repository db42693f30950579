"""Any CLI agent as a factory worker: protocol, lanes, receipts, dialogs, state from evidence."""
