"""The store's tables, as the steps by which they came; a store of any age is brought up to date."""

from __future__ import annotations

MAIN = """
CREATE TABLE policy (
    user TEXT, incarnation TEXT, server_name TEXT, policy TEXT, job INTEGER, material TEXT,
    PRIMARY KEY (user, incarnation, server_name));
CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, who TEXT, state TEXT, asked TEXT,
    started TEXT DEFAULT '', ended TEXT DEFAULT '', undoes INTEGER DEFAULT 0,
    is_partial INTEGER DEFAULT 0, message TEXT DEFAULT '', hint TEXT DEFAULT '');
CREATE TABLE item (
    job INTEGER, user TEXT, server_name TEXT, incarnation TEXT, wanted TEXT, before TEXT,
    before_job INTEGER, after_job INTEGER, state TEXT, message TEXT, hint TEXT, diff TEXT,
    proof TEXT, notes TEXT, PRIMARY KEY (job, user, server_name));
CREATE TABLE progress (job INTEGER, at TEXT, text TEXT);
CREATE INDEX progress_of_job ON progress (job);
CREATE TABLE audit (at TEXT, who TEXT, action TEXT, subject TEXT, job INTEGER);
CREATE TABLE vhost (position INTEGER PRIMARY KEY, record TEXT);
CREATE TABLE snapshot (signature TEXT, problems TEXT);
"""

# Cloudflare's side: certificates, zones, rollouts.
EDGE = """
CREATE TABLE rollout (job INTEGER PRIMARY KEY, record TEXT);
CREATE TABLE cancelled (job INTEGER PRIMARY KEY, who TEXT);
CREATE TABLE presented (
    user TEXT, incarnation TEXT, server_name TEXT, zone TEXT, zone_name TEXT, form TEXT,
    material TEXT, hosts TEXT, since TEXT, removes INTEGER, is_void INTEGER,
    PRIMARY KEY (user, incarnation, server_name, zone));
CREATE TABLE brought (
    zone TEXT, kind TEXT, what TEXT, id TEXT, PRIMARY KEY (zone, kind, what));
CREATE TABLE zone_material (zone TEXT PRIMARY KEY, number TEXT);
CREATE TABLE drift (vhost TEXT, zone TEXT, what TEXT, since TEXT);
"""

# The pages: rights, settings, locks, what waits for a confirmation.
PAGES = ""

# A real installation: what hooks noted, what the accounts looked like last.
ACCOUNTS = ""

# In the order in which they are applied. One that was released is never edited again.
MIGRATIONS = (MAIN, EDGE, PAGES, ACCOUNTS)
