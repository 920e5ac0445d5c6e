-- Which workers were heard of, and when: liveness for leases, never truth, so no row need outlive a crash.
CREATE UNLOGGED TABLE IF NOT EXISTS {schema}.heartbeats (
    worker text COLLATE "C" PRIMARY KEY,
    beaten_at timestamptz NOT NULL
);

-- These workers are there, those have ended. The time by this server's clock.
CREATE OR REPLACE FUNCTION {schema}.beat(alive text[], ended text[]) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM {schema}.heartbeats AS h WHERE h.worker = ANY (ended);
    -- In one order everywhere, so that no two wait for each other.
    INSERT INTO {schema}.heartbeats (worker, beaten_at)
    SELECT DISTINCT a.worker, clock_timestamp() FROM unnest(alive) AS a (worker) ORDER BY a.worker
    ON CONFLICT (worker) DO UPDATE SET beaten_at = excluded.beaten_at;
    RETURN clock_timestamp();
END $$;

-- Seconds since each was heard of. One never heard of, or heard of in a future that a clock set back has left, counts
-- from this question on. Rows of workers that died long ago go.
CREATE OR REPLACE FUNCTION {schema}.silences(asked text[]) RETURNS TABLE (worker text, seconds double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    DELETE FROM {schema}.heartbeats AS h WHERE h.ctid IN (
        SELECT o.ctid FROM {schema}.heartbeats AS o
        WHERE o.beaten_at < clock_timestamp() - interval '1 day' AND o.worker <> ALL (asked) FOR UPDATE SKIP LOCKED
    );
    INSERT INTO {schema}.heartbeats AS h (worker, beaten_at)
    SELECT DISTINCT a.worker, clock_timestamp() FROM unnest(asked) AS a (worker) ORDER BY a.worker
    ON CONFLICT (worker) DO UPDATE SET beaten_at = excluded.beaten_at WHERE h.beaten_at > excluded.beaten_at;
    RETURN QUERY
    SELECT h.worker, greatest(extract(epoch FROM clock_timestamp() - h.beaten_at), 0)::double precision
    FROM {schema}.heartbeats AS h WHERE h.worker = ANY (asked);
END $$;

REVOKE ALL ON FUNCTION {schema}.beat, {schema}.silences FROM PUBLIC;
-- Whoever was given the right to append before there were leases that expire, and hints, needs these as well.
DO $$
DECLARE
    writer regrole;
BEGIN
    FOR writer IN
        SELECT DISTINCT a.grantee::regrole FROM pg_catalog.pg_proc AS p, pg_catalog.aclexplode(p.proacl) AS a
        WHERE p.pronamespace = '{schema}'::regnamespace AND p.proname = 'append' AND a.privilege_type = 'EXECUTE'
            AND a.grantee NOT IN (0, p.proowner)
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION {schema}.beat, {schema}.silences, {schema}.take_hints TO %s', writer);
    END LOOP;
END $$;
