"""The set-based statements of the present. Each takes columns of `cloud.rows` as arrays."""

PARTITIONS_LOCK = 0x6C6F7470

LOTS = """
INSERT INTO lots (lot_id, facility_id)
SELECT * FROM unnest(%s::text[], %s::text[])
ON CONFLICT (lot_id) DO UPDATE SET facility_id = excluded.facility_id
WHERE excluded.facility_id IS NOT NULL AND lots.facility_id IS DISTINCT FROM excluded.facility_id
"""

# The update locks the row also where nothing changes: one writer at a time for a spot.
SPOTS = """
INSERT INTO spots (lot_id, spot_id, zone_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (lot_id, spot_id) DO UPDATE SET zone_id = excluded.zone_id, retired = false
WHERE excluded.zone_id IS NOT NULL AND spots.zone_id IS DISTINCT FROM excluded.zone_id
    OR spots.retired
"""

STREAMS = """
INSERT INTO spot_streams AS t (lot_id, spot_id, agent_id, epoch, seq, made_at, at, status,
    confidence, health, health_reason, clock, event_id, own_status, told_by, told_seq)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[], %s::text[], %s::real[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (lot_id, spot_id, agent_id, epoch) DO UPDATE SET
    seq = excluded.seq, made_at = excluded.made_at, at = excluded.at, status = excluded.status,
    confidence = excluded.confidence, health = excluded.health,
    health_reason = excluded.health_reason, clock = excluded.clock, event_id = excluded.event_id,
    own_status = excluded.own_status, told_by = excluded.told_by, told_seq = excluded.told_seq
WHERE (excluded.seq, excluded.made_at, excluded.told_seq) > (t.seq, t.made_at, t.told_seq)
"""

DEVICES = """
INSERT INTO devices AS d (lot_id, agent_id, last_at, version, born_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::timestamptz[])
ON CONFLICT (lot_id, agent_id) DO UPDATE SET
    last_at = greatest(d.last_at, excluded.last_at),
    version = CASE WHEN excluded.born_at >= coalesce(d.born_at, '-infinity')
        THEN excluded.version ELSE d.version END,
    born_at = greatest(d.born_at, excluded.born_at)
WHERE excluded.last_at > d.last_at OR excluded.born_at > coalesce(d.born_at, '-infinity')
"""

GATEWAYS = """
INSERT INTO gateways AS g (lot_id, told_by, last_at, event_id, session_id, version, clock, health,
    health_reason, uptime_s, agents_online, agents_total, waiting, spool_bytes, spool_limit_bytes)
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::float8[], %s::int[], %s::int[], %s::bigint[],
    %s::bigint[], %s::bigint[])
ON CONFLICT (lot_id, told_by) DO UPDATE SET
    last_at = excluded.last_at, event_id = excluded.event_id, session_id = excluded.session_id,
    version = excluded.version, clock = excluded.clock, health = excluded.health,
    health_reason = excluded.health_reason, uptime_s = excluded.uptime_s,
    agents_online = excluded.agents_online, agents_total = excluded.agents_total,
    waiting = excluded.waiting, spool_bytes = excluded.spool_bytes,
    spool_limit_bytes = excluded.spool_limit_bytes
WHERE (excluded.last_at, excluded.event_id) > (g.last_at, g.event_id)
"""

WORDS = """
INSERT INTO gateway_words AS w (lot_id, about, subject, told_by, told_seq, at, word, clock,
    event_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (lot_id, about, subject, told_by) DO UPDATE SET
    told_seq = excluded.told_seq, at = excluded.at, word = excluded.word, clock = excluded.clock,
    event_id = excluded.event_id
WHERE (excluded.told_seq, excluded.at, excluded.event_id) > (w.told_seq, w.at, w.event_id)
"""

ALERTS = """
INSERT INTO alerts AS a (lot_id, alert_id, raised_at, told_by, told_seq, at, alert_kind, severity,
    state, agent_id, spot_id, zone_id, text, since, acknowledged_at, acknowledged_by, resolved_at,
    resolved_by, clock, event_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::text[],
    %s::text[], %s::text[])
ON CONFLICT (lot_id, alert_id, raised_at) DO UPDATE SET
    told_by = excluded.told_by, told_seq = excluded.told_seq, at = excluded.at,
    alert_kind = excluded.alert_kind, severity = excluded.severity, state = excluded.state,
    agent_id = excluded.agent_id, spot_id = excluded.spot_id, zone_id = excluded.zone_id,
    text = excluded.text, since = excluded.since, acknowledged_at = excluded.acknowledged_at,
    acknowledged_by = excluded.acknowledged_by, resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by, clock = excluded.clock, event_id = excluded.event_id
WHERE (excluded.told_seq, excluded.at, excluded.event_id) > (a.told_seq, a.at, a.event_id)
"""

# Which are new: of spots whose stays they may move, where and when.
EVENTS = """
INSERT INTO events (event_id, at, event_type, lot_id, zone_id, spot_id, status, agent_id, epoch,
    seq, clock, historical, body)
SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bool[],
    %s::jsonb[])
ON CONFLICT (event_id, at) DO NOTHING
RETURNING lot_id, CASE WHEN status IN ('occupied', 'vacant') THEN spot_id END, at
"""

LEDGER = """
WITH entered AS (
    INSERT INTO count_ledger (lot_id, event_id, zone_id, delta, at, reason)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::timestamptz[],
        %s::text[])
    ON CONFLICT (lot_id, event_id) DO NOTHING
    RETURNING lot_id, zone_id, delta, at
)
INSERT INTO counts (lot_id, zone_id, count, last_at)
SELECT lot_id, zone_id, sum(delta), max(at) FROM entered GROUP BY lot_id, zone_id
ORDER BY lot_id, zone_id
ON CONFLICT (lot_id, zone_id) DO UPDATE SET
    count = counts.count + excluded.count, last_at = greatest(counts.last_at, excluded.last_at)
"""

# Stays are reckoned anew around what is new: from the stay that began before the first new record
# (one of its very moment may stand behind it, and that stay end by it) to the second moment behind
# the last one at which stays begin. (Those at the first may turn out to begin nothing; whether
# those at the second do follows from records that are all behind the last.)
BOUNDS = """
SELECT n.lot_id, n.spot_id,
    coalesce((
        SELECT max(s.started_at) FROM sessions s WHERE s.lot_id = n.lot_id
        AND s.spot_id = n.spot_id AND s.started_at < n.first_at
        AND s.started_at > n.first_at - interval '366 days'
    ), n.first_at) AS since,
    (
        SELECT DISTINCT s.started_at FROM sessions s WHERE s.lot_id = n.lot_id
        AND s.spot_id = n.spot_id AND s.started_at > n.last_at
        ORDER BY s.started_at OFFSET 1 LIMIT 1
    ) AS before
FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS n (lot_id, spot_id, first_at, last_at)
"""

FORGET_STAYS = """
DELETE FROM sessions s
USING unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS b (lot_id, spot_id, since, before)
WHERE s.lot_id = b.lot_id AND s.spot_id = b.spot_id AND s.started_at >= b.since
    AND s.started_at < coalesce(b.before, 'infinity')
"""

# A stay begins where a vehicle arrives, or where a spot is occupied that was not; it ends with the
# next record that says vacant, or where the next stay begins.
REMEMBER_STAYS = """
WITH bounds AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
        AS b (lot_id, spot_id, since, before)
), settled AS (
    SELECT b.*, e.at, e.seq, e.event_id, e.event_type, e.status, e.zone_id
    FROM bounds b JOIN LATERAL (
        SELECT * FROM events e WHERE e.lot_id = b.lot_id AND e.spot_id = b.spot_id
        AND e.at >= b.since AND e.at <= coalesce(b.before, 'infinity')
        AND e.status IN ('occupied', 'vacant')
    ) e ON true
    UNION ALL
    SELECT b.*, e.at, e.seq, e.event_id, e.event_type, e.status, e.zone_id
    FROM bounds b JOIN LATERAL (
        SELECT * FROM events e WHERE e.lot_id = b.lot_id AND e.spot_id = b.spot_id
        AND e.at < b.since AND e.at > b.since - interval '366 days'
        AND e.status IN ('occupied', 'vacant')
        ORDER BY e.at DESC, e.seq DESC, e.event_id DESC LIMIT 1
    ) e ON true
), told AS (
    SELECT *, status = 'occupied' AND (event_type = 'ARRIVAL' OR lag(status)
        OVER (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id)
        IS DISTINCT FROM 'occupied') AS begins
    FROM settled
), cut AS (
    SELECT *, lead(at) OVER w AS next_at, lead(event_type) OVER w AS next_type,
        lead(begins) OVER w AS next_begins
    FROM told WHERE begins OR status = 'vacant'
    WINDOW w AS (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id)
)
INSERT INTO sessions (lot_id, spot_id, zone_id, started_at, started_by, ended_at, ended_by,
    arrival_id)
SELECT lot_id, spot_id, zone_id, at, CASE event_type WHEN 'ARRIVAL' THEN 'arrival' ELSE 'seen' END,
    CASE WHEN NOT next_begins THEN next_at END,
    CASE WHEN next_begins THEN 'unseen' WHEN next_type = 'DEPARTURE' THEN 'departure'
         WHEN next_at IS NOT NULL THEN 'seen' END,
    event_id
FROM cut WHERE begins AND at >= since AND at < coalesce(before, 'infinity')
"""

LETTERS = """
INSERT INTO dead_letters (source, reason, payload)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[])
ON CONFLICT (source) DO NOTHING
"""
