"""One run, from waiting jobs to an outcome: look, decide, carry out in the journal, prove."""
