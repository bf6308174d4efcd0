"""Cloudflare's side: what its edge presents, its shared certificate, its published ranges."""
