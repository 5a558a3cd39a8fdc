-- Who reads which shard of a Kinesis stream, and how far: cloud/leases.py. A reader is a part of a
-- group, as "lotkeeper-present/eu-central-1/parking-events"; its members are processes.

CREATE TABLE stream_members (
    member text PRIMARY KEY,
    reader text NOT NULL,
    lapses_at timestamptz NOT NULL
);
CREATE INDEX stream_members_of_reader ON stream_members (reader);

-- Where a member goes, what it held is free.
CREATE TABLE stream_leases (
    reader text NOT NULL,
    shard_id text NOT NULL,
    parent_id text,
    adjacent_parent_id text,
    member text REFERENCES stream_members ON DELETE SET NULL,
    sequence text,  -- of the last durable record; null before the first
    ended boolean NOT NULL DEFAULT false,  -- all of it is durable, its children may be read
    PRIMARY KEY (reader, shard_id)
);
CREATE INDEX stream_leases_of_member ON stream_leases (member);
