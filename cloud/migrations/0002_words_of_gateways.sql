-- What gateways say themselves: how they are, what they know of agents and of closed spots, alerts.
-- A gateway's words are ordered by told_seq within told_by, whatever its clock showed.

-- The newest heartbeat of each.
CREATE TABLE gateways (
    lot_id text NOT NULL,
    told_by text NOT NULL,
    last_at timestamptz NOT NULL,
    event_id text COLLATE "C" NOT NULL,  -- compared as programs do
    session_id text,
    version text,
    clock text NOT NULL,
    health text,
    health_reason text NOT NULL,
    uptime_s double precision,
    agents_online integer,
    agents_total integer,
    waiting bigint,  -- records for the upstream that this came by
    spool_bytes bigint,
    spool_limit_bytes bigint,
    PRIMARY KEY (lot_id, told_by)
) WITH (fillfactor = 80);

-- The newest word on each agent (AGENT_SILENT, AGENT_HEARD) and spot (SPOT_CLOSED, SPOT_OPENED).
CREATE TABLE gateway_words (
    lot_id text NOT NULL,
    about text NOT NULL CHECK (about IN ('agent', 'spot')),
    subject text NOT NULL,
    told_by text NOT NULL,
    told_seq bigint NOT NULL,
    at timestamptz NOT NULL,
    word text NOT NULL,
    clock text NOT NULL,
    event_id text COLLATE "C" NOT NULL,  -- compared as programs do
    PRIMARY KEY (lot_id, about, subject, told_by)
);

-- One row an alert: as its newest word has it.
CREATE TABLE alerts (
    lot_id text NOT NULL,
    alert_id text NOT NULL,
    raised_at timestamptz NOT NULL,
    told_by text NOT NULL,
    told_seq bigint NOT NULL,
    at timestamptz NOT NULL,
    alert_kind text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'resolved')),
    agent_id text,
    spot_id text,
    zone_id text,
    text text NOT NULL,
    since timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at timestamptz,
    resolved_by text,
    clock text NOT NULL,
    event_id text COLLATE "C" NOT NULL,  -- compared as programs do
    PRIMARY KEY (lot_id, alert_id, raised_at)
);
CREATE INDEX alerts_that_stand ON alerts (lot_id) WHERE state <> 'resolved';

-- What a spot's agent said, where a snapshot shows it closed or unknown for another reason; and up to
-- which word of which gateway that snapshot says how things are.
ALTER TABLE spot_streams
    ADD COLUMN own_status text,
    ADD COLUMN told_by text NOT NULL DEFAULT '',
    ADD COLUMN told_seq bigint NOT NULL DEFAULT 0;

-- A lot has one gateway: the one that was heard last. Another's words hold no more: its store was
-- replaced, and nobody would take them back.
CREATE VIEW current_gateways AS
SELECT DISTINCT ON (lot_id) *
FROM gateways
ORDER BY lot_id, last_at DESC, told_by DESC;

-- The same, also of one that sends no heartbeats: then by its words.
CREATE VIEW current_tellers AS
SELECT DISTINCT ON (lot_id) lot_id, told_by
FROM (
    SELECT lot_id, told_by, last_at AS at, true AS beats FROM gateways
    UNION ALL
    SELECT lot_id, told_by, max(at), false FROM gateway_words GROUP BY lot_id, told_by
) t
ORDER BY lot_id, beats DESC, at DESC, told_by DESC;

CREATE VIEW current_words AS
SELECT w.* FROM gateway_words w JOIN current_tellers t USING (lot_id, told_by);

CREATE VIEW current_alerts AS
SELECT a.*
FROM alerts a LEFT JOIN current_tellers t USING (lot_id)
WHERE a.state <> 'resolved' AND (t.told_by IS NULL OR t.told_by = a.told_by);

-- state, of agents: heard or silent as the gateway says, unknown where it said nothing; of gateways:
-- silent behind five heartbeats that did not come.
CREATE VIEW current_devices AS
SELECT coalesce(d.lot_id, w.lot_id) AS lot_id, 'agent' AS kind,
    coalesce(d.agent_id, w.subject) AS device_id,
    CASE w.word WHEN 'AGENT_SILENT' THEN 'silent' WHEN 'AGENT_HEARD' THEN 'heard'
        ELSE 'unknown' END AS state,
    w.at AS since, d.last_at, d.version
FROM devices d
FULL JOIN (SELECT * FROM current_words WHERE about = 'agent') w
    ON w.lot_id = d.lot_id AND w.subject = d.agent_id
UNION ALL
SELECT lot_id, 'gateway', told_by,
    CASE WHEN last_at < now() - interval '5 minutes' THEN 'silent' ELSE 'heard' END,
    NULL, last_at, version
FROM current_gateways;

-- A spot that people closed is closed, one whose agent is silent is unknown; a snapshot that was made
-- behind those words tells by itself.
CREATE OR REPLACE VIEW current_spot_state AS
SELECT n.lot_id, n.spot_id, n.zone_id,
    CASE WHEN n.is_aware THEN n.status
        WHEN n.shut = 'SPOT_CLOSED' THEN 'closed'
        WHEN n.heard = 'AGENT_SILENT' THEN 'unknown'
        ELSE n.own_status END AS status,
    CASE WHEN n.is_aware THEN n.at
        WHEN n.shut = 'SPOT_CLOSED' THEN n.shut_at
        WHEN n.heard = 'AGENT_SILENT' THEN greatest(n.at, n.heard_at)
        ELSE n.at END AS since,
    n.confidence, n.health, n.health_reason, n.clock, n.agent_id, n.epoch, n.seq, n.event_id
FROM (
    SELECT t.*, s.word AS shut, s.at AS shut_at, a.word AS heard, a.at AS heard_at,
        coalesce(t.told_by = coalesce(s.told_by, a.told_by)
            AND t.told_seq >= greatest(s.told_seq, a.told_seq), true) AS is_aware
    FROM (
        SELECT s.lot_id, s.spot_id, s.zone_id, t.status, coalesce(t.own_status, t.status) AS own_status,
            t.at, t.confidence, t.health, t.health_reason, t.clock, t.agent_id, t.epoch, t.seq,
            t.event_id, t.told_by, t.told_seq
        FROM spots s JOIN spot_streams t USING (lot_id, spot_id)
        WHERE NOT s.retired
            -- Not DISTINCT ON: of 50,000 spots a hash of them costs less than their order.
            AND NOT EXISTS (
                SELECT FROM spot_streams u WHERE u.lot_id = t.lot_id AND u.spot_id = t.spot_id
                AND (u.at, u.agent_id, u.epoch) > (t.at, t.agent_id, t.epoch)
            )
    ) t
    -- Not current_words: by whole keys the planner finds that there is one row at most.
    LEFT JOIN current_tellers k ON k.lot_id = t.lot_id
    LEFT JOIN gateway_words s ON s.lot_id = t.lot_id AND s.about = 'spot'
        AND s.subject = t.spot_id AND s.told_by = k.told_by
    LEFT JOIN gateway_words a ON a.lot_id = t.lot_id AND a.about = 'agent'
        AND a.subject = t.agent_id AND a.told_by = k.told_by
) n;
