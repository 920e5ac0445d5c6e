-- How events get in and how readers follow them. `postgres.py` says why no reader misses one.

-- What schema 1 had instead.
DROP FUNCTION IF EXISTS {schema}.append(text[], bigint[], text[], bytea[], bigint[], bigint[], text[], bigint[]);
DROP AGGREGATE IF EXISTS {schema}.chain_from(bytea, bytea);
DROP FUNCTION IF EXISTS {schema}.next_chain(bytea, bytea, bytea);

-- What one event contributes to its stream's chain; `chain.py` has the definition.
CREATE OR REPLACE FUNCTION {schema}.event_leaf(id text, version bigint, topic text, state bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256('\x00'::bytea
    || int8send(octet_length(convert_to(id, 'UTF8'))) || convert_to(id, 'UTF8')
    || int8send(version)
    || int8send(octet_length(convert_to(topic, 'UTF8'))) || convert_to(topic, 'UTF8')
    || int8send(octet_length(state)) || state);

CREATE OR REPLACE FUNCTION {schema}.next_chain(before bytea, leaf bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256('\x02'::bytea
    || coalesce(before, '\x0000000000000000000000000000000000000000000000000000000000000000') || leaf);

-- Appends in one transaction, each for itself: event n belongs to append owners[n]. `follows[n]` is the version its
-- stream must be at, or -m where event m is the one before it, or NULL where any lower version will do. An event
-- without a state is none: it only says where its stream must be. An append whose streams are elsewhere is refused,
-- and named; of the others the positions are returned, in their order.
CREATE OR REPLACE FUNCTION {schema}.append(
    ids text[], versions bigint[], topics text[], states bytea[], owners bigint[], follows bigint[],
    OUT positions bigint[], OUT refused bigint[], OUT refused_ids text[]
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
-- The plans are the same whatever the arrays hold, so planning once is enough.
DECLARE
    chains bytea[];
    kept text[];
    awake text[];
BEGIN
    -- The floor under every position this transaction is going to draw: held until it is over.
    PERFORM pg_advisory_xact_lock_shared({class}, (pg_sequence_last_value('{sequence}') & 2147483647)::integer);
    -- One look at the end of each stream tells both where it is and what the chain goes on from. It begins at the
    -- version expected: the scan would else copy whatever entries of the stream are on the index page.
    IF owners[1] = 0 AND owners[cardinality(ids)] = cardinality(ids) - 1
        AND array_position(follows, NULL) IS NULL AND array_position(states, NULL) IS NULL THEN
        -- Every append is one event, as the numbers of their owners tell, and so one statement does it all.
        WITH stored AS (
            INSERT INTO {schema}.events (originator_id, originator_version, topic, state, chain)
            SELECT e.id, e.version, e.topic, e.state,
                {schema}.next_chain(head.chain, {schema}.event_leaf(e.id, e.version, e.topic, e.state))
            FROM (
                -- Taking the arrays apart by `unnest` copies every item twice.
                SELECT ids[n.place] AS id, versions[n.place] AS version, topics[n.place] AS topic,
                    states[n.place] AS state, follows[n.place] AS follows, n.place
                FROM generate_series(1, cardinality(ids)) AS n (place) OFFSET 0
            ) AS e
            LEFT JOIN LATERAL (
                SELECT s.originator_version AS version, s.chain FROM {schema}.events AS s
                WHERE s.originator_id = e.id AND s.originator_version >= e.follows
                ORDER BY s.originator_version DESC LIMIT 1
            ) AS head ON true
            WHERE e.follows = coalesce(head.version, 0) ORDER BY e.place
            RETURNING notification_id, originator_id
        )
        SELECT array_agg(s.notification_id ORDER BY s.notification_id), array_agg(s.originator_id)
        INTO positions, kept FROM stored AS s;
        IF positions IS NULL OR cardinality(positions) < cardinality(ids) THEN
            SELECT array_agg(g.owner), array_agg(g.id) INTO refused, refused_ids
            FROM unnest(ids, owners) AS g (id, owner) WHERE g.id <> ALL (coalesce(kept, '{}'));
        END IF;
    ELSE
        SELECT array_agg(CASE WHEN e.follows < 0 THEN e.leaf ELSE {schema}.next_chain(head.chain, e.leaf) END ORDER BY e.place),
            array_agg(e.owner) FILTER (WHERE e.follows >= 0 AND e.follows <> coalesce(head.version, 0)),
            array_agg(e.id) FILTER (WHERE e.follows >= 0 AND e.follows <> coalesce(head.version, 0))
        INTO chains, refused, refused_ids
        FROM (
            SELECT g.*, {schema}.event_leaf(g.id, g.version, g.topic, g.state) AS leaf
            FROM unnest(ids, versions, topics, states, owners, follows)
                WITH ORDINALITY AS g (id, version, topic, state, owner, follows, place)
        ) AS e
        LEFT JOIN LATERAL (
            SELECT s.originator_version AS version, s.chain FROM {schema}.events AS s
            WHERE s.originator_id = e.id AND s.originator_version >= coalesce(e.follows, 0)
                AND (e.follows >= 0 OR e.follows IS NULL AND s.originator_version < e.version)
            ORDER BY s.originator_version DESC LIMIT 1
        ) AS head ON true;
        FOR place IN 2 .. cardinality(ids) LOOP
            IF follows[place] < 0 THEN
                chains[place] := {schema}.next_chain(chains[-follows[place]], chains[place]);
            END IF;
        END LOOP;
        WITH stored AS (
            INSERT INTO {schema}.events (originator_id, originator_version, topic, state, chain)
            SELECT g.id, g.version, g.topic, g.state, g.chain
            FROM unnest(ids, versions, topics, states, owners, chains)
                WITH ORDINALITY AS g (id, version, topic, state, owner, chain, place)
            WHERE g.state IS NOT NULL AND (refused IS NULL OR g.owner <> ALL (refused)) ORDER BY g.place
            RETURNING notification_id
        )
        SELECT array_agg(s.notification_id ORDER BY s.notification_id) INTO positions FROM stored AS s;
    END IF;
    -- Workers are told of sessions that may be ready now. It is no part of the append: its errors end with its block.
    IF topics && {awakening} THEN
        BEGIN
            SELECT array_agg(e.id ORDER BY e.id) INTO awake FROM (
                SELECT g.id FROM unnest(ids, topics, owners) AS g (id, topic, owner)
                WHERE refused IS NULL OR g.owner <> ALL (refused)
                GROUP BY g.id
                HAVING bool_or(g.topic = ANY ({awakening})) AND NOT bool_or(g.topic = ANY ({stilling}))
            ) AS e;
            IF awake IS NOT NULL THEN
                PERFORM {schema}.wake(awake);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE LOG 'turnlog: no worker is told of %: %', awake, SQLERRM;
        END;
    END IF;
END $$;

-- No event at or below this position will ever become visible later than to the statement that comes next.
CREATE OR REPLACE FUNCTION {schema}.safe_position() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    drawn bigint;
    below bigint;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'a standby does not know what is under way on the primary' USING ERRCODE = '25006';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'followers read in READ COMMITTED' USING ERRCODE = '25001';
    END IF;
    -- Two statements, in this order.
    drawn := pg_sequence_last_value('{sequence}');
    -- A lock has room for 31 bits of a position; the position meant is the nearest to the last one drawn.
    SELECT min(drawn + ((l.objid::bigint - drawn + 1073741824) & 2147483647) - 1073741824) INTO below
    FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = {class}
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());
    RETURN least(drawn, below);
END $$;

-- Events of all streams from one position up to another, as far as it is safe to go.
CREATE OR REPLACE FUNCTION {schema}.follow(lowest bigint, highest bigint, wanted text[], at_most bigint)
RETURNS TABLE (notification_id bigint, originator_id text, originator_version bigint, topic text, state bytea)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    safe bigint := {schema}.safe_position();
BEGIN
    -- A statement of its own, so that its snapshot is younger than `safe`.
    RETURN QUERY
    SELECT e.notification_id, e.originator_id, e.originator_version, e.topic, e.state
    FROM {schema}.events AS e
    WHERE e.notification_id >= lowest AND e.notification_id <= least(highest, safe)
        AND (wanted IS NULL OR e.topic = ANY (wanted))
    ORDER BY e.notification_id LIMIT at_most;
END $$;

-- Rows put in around `append`, as only the owner can, take their place in the chain all the same.
CREATE OR REPLACE FUNCTION {schema}.fill_chain() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.chain := {schema}.next_chain((
        SELECT s.chain FROM {schema}.events AS s
        WHERE s.originator_id = NEW.originator_id AND s.originator_version < NEW.originator_version
        ORDER BY s.originator_version DESC LIMIT 1
    ), {schema}.event_leaf(NEW.originator_id, NEW.originator_version, NEW.topic, NEW.state));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER events_fill_chain BEFORE INSERT ON {schema}.events
    FOR EACH ROW WHEN (NEW.chain IS NULL) EXECUTE FUNCTION {schema}.fill_chain();
ALTER TABLE {schema}.events ENABLE ALWAYS TRIGGER events_fill_chain;

REVOKE ALL ON FUNCTION {schema}.append, {schema}.safe_position, {schema}.follow FROM PUBLIC;
