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

# The pages: rights, settings, locks, what waits for a confirmation. `vhost_row` is what the list
# shows, one narrow row a vhost; triggers keep it in step with what it is made of, whoever writes.
# (A statement ends with a semicolon at the end of a line: a trigger has its own within the line.)
PAGES = """
ALTER TABLE job ADD COLUMN caller_kind TEXT DEFAULT '';
ALTER TABLE job ADD COLUMN address TEXT DEFAULT '';
ALTER TABLE job ADD COLUMN revert_minutes INTEGER DEFAULT 0;
ALTER TABLE job ADD COLUMN fingerprint TEXT DEFAULT '';
ALTER TABLE audit ADD COLUMN kind TEXT DEFAULT '';
ALTER TABLE audit ADD COLUMN address TEXT DEFAULT '';
ALTER TABLE audit ADD COLUMN via TEXT DEFAULT '';
CREATE INDEX job_of_state ON job (state);
CREATE INDEX job_of_undone ON job (undoes);
CREATE INDEX item_of_vhost ON item (user, server_name, job);
CREATE INDEX audit_of_subject ON audit (subject);
CREATE INDEX audit_of_job ON audit (job, subject);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE vhost_lock (
    user TEXT, incarnation TEXT, server_name TEXT, reason TEXT, who TEXT, at TEXT,
    PRIMARY KEY (user, incarnation, server_name));
CREATE TABLE confirmation (job INTEGER PRIMARY KEY, due TEXT, undo INTEGER DEFAULT 0);
CREATE TABLE name_state (
    user TEXT, server_name TEXT, name TEXT, state TEXT, at TEXT,
    PRIMARY KEY (user, server_name, name));
CREATE TABLE attention (
    user TEXT, incarnation TEXT, server_name TEXT, kind TEXT, said TEXT, at TEXT,
    PRIMARY KEY (user, incarnation, server_name, kind));
CREATE TABLE proven (
    user TEXT, incarnation TEXT, server_name TEXT, at TEXT, held INTEGER, said TEXT,
    PRIMARY KEY (user, incarnation, server_name));
CREATE TABLE vhost_row (
    user TEXT, incarnation TEXT, server_name TEXT, owner TEXT, is_ssl INTEGER,
    is_suspended INTEGER, text TEXT, mode TEXT DEFAULT 'off',
    trust TEXT DEFAULT 'own', port80 TEXT DEFAULT 'leave', exempt INTEGER DEFAULT 0,
    job INTEGER DEFAULT 0, name_count INTEGER, proxied INTEGER DEFAULT 0,
    direct INTEGER DEFAULT 0, proof_at TEXT DEFAULT '', proof_held INTEGER,
    attention INTEGER DEFAULT 0, locked TEXT DEFAULT '', PRIMARY KEY (user, server_name));
CREATE INDEX vhost_row_name ON vhost_row (server_name, user);
CREATE INDEX vhost_row_owner ON vhost_row (owner, server_name, user);
CREATE INDEX vhost_row_mode ON vhost_row (mode, attention, direct, is_ssl);
CREATE INDEX vhost_row_mode_name ON vhost_row (mode, server_name, user);
CREATE INDEX vhost_row_proof ON vhost_row (proof_at, server_name, user);
CREATE INDEX vhost_row_proxied ON vhost_row (proxied, server_name, user);
CREATE TRIGGER policy_came AFTER INSERT ON policy BEGIN UPDATE vhost_row SET
    (mode, trust, port80, exempt) = (json_extract(NEW.policy, '$.mode'),
    json_extract(NEW.policy, '$.trust'), json_extract(NEW.policy, '$.port80'),
    json_array_length(NEW.policy, '$.exempt_names')
    + json_array_length(NEW.policy, '$.exempt_paths')
    + json_array_length(NEW.policy, '$.exempt_networks')), job = NEW.job
    WHERE user=NEW.user AND incarnation=NEW.incarnation AND server_name=NEW.server_name; END;
CREATE TRIGGER policy_changed AFTER UPDATE ON policy BEGIN UPDATE vhost_row SET
    (mode, trust, port80, exempt) = (json_extract(NEW.policy, '$.mode'),
    json_extract(NEW.policy, '$.trust'), json_extract(NEW.policy, '$.port80'),
    json_array_length(NEW.policy, '$.exempt_names')
    + json_array_length(NEW.policy, '$.exempt_paths')
    + json_array_length(NEW.policy, '$.exempt_networks')), job = NEW.job
    WHERE user=NEW.user AND incarnation=NEW.incarnation AND server_name=NEW.server_name; END;
CREATE TRIGGER policy_went AFTER DELETE ON policy BEGIN UPDATE vhost_row SET mode='off',
    trust='own', port80='leave', exempt=0, job=0
    WHERE user=OLD.user AND incarnation=OLD.incarnation AND server_name=OLD.server_name; END;
CREATE TRIGGER lock_came AFTER INSERT ON vhost_lock BEGIN UPDATE vhost_row SET locked=NEW.reason
    WHERE user=NEW.user AND incarnation=NEW.incarnation AND server_name=NEW.server_name; END;
CREATE TRIGGER lock_went AFTER DELETE ON vhost_lock BEGIN UPDATE vhost_row SET locked=''
    WHERE user=OLD.user AND incarnation=OLD.incarnation AND server_name=OLD.server_name; END;
CREATE TRIGGER attention_came AFTER INSERT ON attention BEGIN UPDATE vhost_row
    SET attention=attention+1
    WHERE user=NEW.user AND incarnation=NEW.incarnation AND server_name=NEW.server_name; END;
CREATE TRIGGER attention_went AFTER DELETE ON attention BEGIN UPDATE vhost_row
    SET attention=attention-1
    WHERE user=OLD.user AND incarnation=OLD.incarnation AND server_name=OLD.server_name; END;
CREATE TRIGGER proof_came AFTER INSERT ON proven BEGIN UPDATE vhost_row
    SET proof_at=NEW.at, proof_held=NEW.held
    WHERE user=NEW.user AND incarnation=NEW.incarnation AND server_name=NEW.server_name; END;
CREATE TRIGGER proof_went AFTER DELETE ON proven BEGIN UPDATE vhost_row
    SET proof_at='', proof_held=NULL
    WHERE user=OLD.user AND incarnation=OLD.incarnation AND server_name=OLD.server_name; END;
DELETE FROM snapshot;
"""

# A real installation: what hooks noted, what the accounts looked like last.
ACCOUNTS = """
CREATE TABLE last_seen (
    user TEXT, incarnation TEXT, server_name TEXT, is_ssl INTEGER, host_names TEXT, asked REAL,
    PRIMARY KEY (user, incarnation, server_name));
"""

# Names: whether they are a site's own, so that locking them out is worth a notice; and letters to
# the administrator that wait to be sent.
TELLING = """
ALTER TABLE name_state ADD COLUMN is_visited INTEGER DEFAULT 1;
CREATE TABLE letter (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, subject TEXT, said TEXT);
CREATE TRIGGER names_matter_no_more AFTER UPDATE ON policy
    WHEN json_extract(NEW.policy, '$.mode')<>'enforce' BEGIN DELETE FROM attention
    WHERE kind='names' AND user=NEW.user AND incarnation=NEW.incarnation
    AND server_name=NEW.server_name; END;
"""

# A vhost may be presented two things of one zone for a while: what comes, and what has to go.
REPLACED = """
CREATE TABLE presented_now (
    user TEXT, incarnation TEXT, server_name TEXT, zone TEXT, zone_name TEXT, form TEXT,
    material TEXT, hosts TEXT, since TEXT, removes INTEGER, is_void INTEGER,
    PRIMARY KEY (user, incarnation, server_name, zone, form, material));
INSERT INTO presented_now SELECT * FROM presented;
DROP TABLE presented;
ALTER TABLE presented_now RENAME TO presented;
"""

# In the order in which they are applied. One that was released is never edited again.
MIGRATIONS = (MAIN, EDGE, PAGES, ACCOUNTS, TELLING, REPLACED)
