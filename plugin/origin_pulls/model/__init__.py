"""Values and decisions: text in, text out; nothing here opens, runs or sends anything."""
