-- The present, and what it follows from. Times are UTC; a record's identity is its event_id.

CREATE TABLE lots (
    lot_id text PRIMARY KEY,
    facility_id text,
    -- Of lots that are counted at their lanes; a sensed lot's is the number of its spots.
    counted_capacity integer CHECK (counted_capacity >= 0)
);

-- A writer locks the rows of the spots that it writes, so that two never reckon one spot's stays at
-- once. A spot that is retired is no part of its lot any more, and keeps its past.
CREATE TABLE spots (
    lot_id text NOT NULL,
    spot_id text NOT NULL,
    zone_id text,
    retired boolean NOT NULL DEFAULT false,
    PRIMARY KEY (lot_id, spot_id)
);

-- The newest word on a spot in each stream. Within a stream seq tells what is newer; between two,
-- as when a Pi was replaced, the time does. So the present does not depend on the order of arrival.
CREATE TABLE spot_streams (
    lot_id text NOT NULL,
    spot_id text NOT NULL,
    agent_id text NOT NULL,
    epoch text NOT NULL,
    seq bigint NOT NULL,
    made_at timestamptz NOT NULL,
    at timestamptz NOT NULL,
    status text NOT NULL,
    confidence real,
    health text,
    health_reason text NOT NULL,
    clock text NOT NULL,
    event_id text NOT NULL,
    PRIMARY KEY (lot_id, spot_id, agent_id, epoch)
) WITH (fillfactor = 80);

CREATE TABLE devices (
    lot_id text NOT NULL,
    agent_id text NOT NULL,
    last_at timestamptz NOT NULL,
    version text,
    born_at timestamptz,
    PRIMARY KEY (lot_id, agent_id)
);

CREATE TABLE events (
    event_id text NOT NULL,
    at timestamptz NOT NULL,
    event_type text NOT NULL,
    lot_id text NOT NULL,
    zone_id text,
    spot_id text,
    status text,
    agent_id text,
    epoch text,
    seq bigint,
    clock text NOT NULL,
    historical boolean NOT NULL,
    body jsonb NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_of_spot ON events (lot_id, spot_id, at) WHERE spot_id IS NOT NULL;
CREATE INDEX events_of_lot ON events (lot_id, at);

-- Stays. started_by: arrival, or seen where the spot was found occupied. ended_by: departure, seen
-- where it was found vacant, unseen where the next vehicle came first (ended_at is not known then),
-- null while the vehicle stands.
CREATE TABLE sessions (
    lot_id text NOT NULL,
    spot_id text NOT NULL,
    zone_id text,
    started_at timestamptz NOT NULL,
    started_by text NOT NULL CHECK (started_by IN ('arrival', 'seen')),
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('departure', 'seen', 'unseen')),
    arrival_id text NOT NULL,
    PRIMARY KEY (lot_id, spot_id, started_at, arrival_id)
) PARTITION BY RANGE (started_at);
CREATE INDEX sessions_of_lot ON sessions (lot_id, started_at);

-- Vehicles counted at lanes: an event_id stands once, so the count is the same however often it came.
CREATE TABLE count_ledger (
    lot_id text NOT NULL,
    event_id text NOT NULL,
    zone_id text NOT NULL,
    delta integer NOT NULL,
    at timestamptz NOT NULL,
    reason text,
    PRIMARY KEY (lot_id, event_id)
);
-- The ledger's sums, moved in the transaction that enters them.
CREATE TABLE counts (
    lot_id text NOT NULL,
    zone_id text NOT NULL,
    count bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (lot_id, zone_id)
);

CREATE TABLE dead_letters (
    letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL UNIQUE,  -- stream, shard or partition, offset: a replay writes it once
    reason text NOT NULL,
    payload bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION make_partitions(first date, last date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', first);
    part text;
    parent text;
BEGIN
    WHILE month <= last LOOP
        FOREACH parent IN ARRAY ARRAY['events', 'sessions'] LOOP
            part := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
            IF to_regclass(part) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    part, parent, to_char(month, 'YYYY-MM-DD "00:00:00+00"'),
                    to_char(month + interval '1 month', 'YYYY-MM-DD "00:00:00+00"'));
            END IF;
        END LOOP;
        month := month + interval '1 month';
    END LOOP;
END $$;

CREATE VIEW current_spot_state AS
SELECT DISTINCT ON (s.lot_id, s.spot_id)
    s.lot_id, s.spot_id, s.zone_id, t.status, t.at AS since, t.confidence, t.health,
    t.health_reason, t.clock, t.agent_id, t.epoch, t.seq, t.event_id
FROM spots s JOIN spot_streams t USING (lot_id, spot_id)
WHERE NOT s.retired
ORDER BY s.lot_id, s.spot_id, t.at DESC, t.agent_id DESC, t.epoch DESC;

CREATE VIEW current_zone_occupancy AS
SELECT lot_id, zone_id,
    count(*) AS capacity,
    count(*) FILTER (WHERE status = 'occupied') AS current_occupancy,
    count(*) FILTER (WHERE status = 'vacant') AS free_spots,
    count(*) FILTER (WHERE status = 'unknown') AS unknown_spots,
    count(*) FILTER (WHERE status = 'closed') AS closed_spots,
    max(since) AS last_updated
FROM current_spot_state GROUP BY lot_id, zone_id;

-- occupancy_rate: of the spots that are known; null where none is. Unknown is never free. A count
-- that drifted below nothing or above the capacity is shown within them; counted is the sum itself.
CREATE VIEW current_lot_occupancy AS
WITH sensed AS (
    SELECT lot_id, sum(capacity) AS capacity, sum(current_occupancy) AS current_occupancy,
        sum(free_spots) AS free_spots, sum(unknown_spots) AS unknown_spots,
        sum(closed_spots) AS closed_spots, max(last_updated) AS last_updated
    FROM current_zone_occupancy GROUP BY lot_id
), laned AS (
    SELECT c.lot_id, l.counted_capacity AS capacity, sum(c.count) AS counted,
        greatest(sum(c.count), 0) AS vehicles, max(c.last_at) AS last_updated
    FROM counts c LEFT JOIN lots l USING (lot_id) GROUP BY c.lot_id, l.counted_capacity
), joined AS (
    SELECT coalesce(s.lot_id, n.lot_id) AS lot_id,
        CASE WHEN s.lot_id IS NULL THEN n.capacity
             ELSE s.capacity + coalesce(n.capacity, 0) END AS capacity,
        coalesce(s.current_occupancy, 0)
            + coalesce(least(n.vehicles, n.capacity), n.vehicles, 0) AS current_occupancy,
        CASE WHEN s.lot_id IS NULL THEN greatest(n.capacity - n.vehicles, 0)
             ELSE s.free_spots + coalesce(greatest(n.capacity - n.vehicles, 0), 0) END AS free_spots,
        coalesce(s.unknown_spots, 0) AS unknown_spots,
        coalesce(s.closed_spots, 0) AS closed_spots,
        n.counted,
        greatest(s.last_updated, n.last_updated) AS last_updated
    FROM sensed s FULL JOIN laned n USING (lot_id)
)
SELECT j.lot_id, l.facility_id, j.capacity::bigint AS capacity,
    j.current_occupancy::bigint AS current_occupancy, j.free_spots::bigint AS free_spots,
    j.unknown_spots::bigint AS unknown_spots, j.closed_spots::bigint AS closed_spots,
    j.counted::bigint AS counted,
    round(j.current_occupancy / nullif(j.current_occupancy + j.free_spots, 0), 4)
        AS occupancy_rate,
    j.last_updated
FROM joined j LEFT JOIN lots l USING (lot_id);
