-- Telling workers of sessions that may be ready. Hints only: the log is right whatever becomes of them.
-- They are jobs of procrastinate, whose tables are in a schema of their own that may be dropped and made again at any
-- time. So statements on them are planned anew whenever they are run.

-- One job a session, unless there is one. Whoever calls it bears with any error, and nobody waits long for a lock.
CREATE OR REPLACE FUNCTION {schema}.wake(sessions text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, {wakeups}, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
    jobs bigint[];
BEGIN
    IF NOT {schema}.has_wakeups() THEN
        RETURN;
    END IF;
    EXECUTE 'SELECT procrastinate_defer_jobs_v1(array_agg(
                ROW($1, ''wake'', 0, NULL, s.id, jsonb_build_object(''session'', s.id), NULL)::procrastinate_job_to_defer_v1
                ORDER BY s.place))
            FROM unnest($2) WITH ORDINALITY AS s (id, place)
            WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = s.id AND status = ''todo'')
            HAVING count(*) > 0'
        INTO jobs USING {queue}, sessions;
    IF jobs[1] > {most} THEN
        -- Where no worker takes any, the oldest go.
        EXECUTE 'DELETE FROM procrastinate_jobs WHERE id IN (
                SELECT j.id FROM procrastinate_jobs AS j WHERE j.id <= $1 ORDER BY j.id LIMIT 100 FOR UPDATE SKIP LOCKED
            )' USING jobs[1] - {most};
    END IF;
END $$;

-- Whether the tables are there. Where one is not, its name might mean one that the caller made, whose triggers
-- would be run in the owner's name.
CREATE OR REPLACE FUNCTION {schema}.has_wakeups() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT count(*) = {all_hint_tables} FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {wakeups_name})
        AND c.relname IN ({hint_tables})
);

-- At most so many sessions that somebody was told of, each to one taker only, oldest first. NULL where nobody tells.
CREATE OR REPLACE FUNCTION {schema}.take_hints(at_most bigint) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, {wakeups}, pg_temp AS $$
DECLARE
    taken text[] := '{}';
    job bigint;
    session text;
BEGIN
    IF NOT {schema}.has_wakeups() THEN
        RETURN NULL;
    END IF;
    WHILE cardinality(taken) < at_most LOOP
        EXECUTE 'SELECT j.id, j.args ->> ''session'' FROM procrastinate_fetch_job_v2(ARRAY[$1]::varchar[], NULL) AS j'
            INTO job, session USING {queue};
        EXIT WHEN job IS NULL;
        -- In the same transaction: a taker that dies before it has heard of the session leaves the job as it was.
        EXECUTE 'SELECT procrastinate_finish_job_v1($1, ''succeeded'', true)' USING job;
        taken := taken || session;
    END LOOP;
    RETURN taken;
EXCEPTION
    WHEN undefined_table OR undefined_function OR undefined_object OR invalid_schema_name THEN
        RETURN NULL; -- it is being dropped
END $$;

REVOKE ALL ON FUNCTION {schema}.wake, {schema}.has_wakeups, {schema}.take_hints FROM PUBLIC;
