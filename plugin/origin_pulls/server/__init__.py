"""Effects on this machine: programs, files, Apache, certificates, requests. No decisions."""
