"""Cloudflare's side of a change: looking there, going on a step at a time, proving, watching.

One writer at the edge: who goes on holds ``Config.edge_lock``, and the work lock only while an
ordinary run changes the origin.
"""
