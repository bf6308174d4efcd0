"""The programs of a sandbox's server, each with the contract of cPanel's own."""
