"""Any CLI agent as a factory worker: the protocol, the worker on tmux, lanes, deliveries, dialogs, state."""
