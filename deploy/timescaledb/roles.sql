-- What the roles may do beside their grants on tables and views, which the migrations give. Run by a superuser in the
-- platform's database once the roles are there; repeatable. `deploy/local` runs it at every start.
--
--   district_owner      owns the tables; migrations
--   district_writer     the sink, imports
--   district_reader     the operator's command line, people: views, nothing else
--   district_grafana    Grafana: the views that its boards ask, nothing else
SET client_min_messages = error;

DO $$
DECLARE
    found regprocedure;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO district_writer, district_reader, district_grafana', current_database()
    );
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO district_writer', current_database());

    -- What everybody may call by default and nobody here needs: large objects are tables that anybody writes, messages
    -- into the log and to listeners fill the disk, advisory locks fill the table of locks that all share
    -- (to unlock stays allowed: drivers do it whenever they put a connection back into its pool).
    FOR found IN
        SELECT p.oid::regprocedure
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
            AND (
                p.proname ~ '^(lo_|pg_advisory_(xact_)?lock|pg_try_advisory_)'
                OR p.proname IN ('lowrite', 'loread', 'pg_notify', 'pg_logical_emit_message', 'pg_export_snapshot')
            )
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', found);
    END LOOP;

    -- On the community edition everybody may have the server run something later, again and again.
    FOR found IN
        SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.proname IN ('add_job', 'alter_job', 'delete_job')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', found);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO district_owner', found);
    END LOOP;
END
$$;

ALTER DEFAULT PRIVILEGES FOR ROLE district_owner GRANT USAGE ON SCHEMAS TO district_writer, district_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE district_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO district_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE district_owner GRANT USAGE, SELECT ON SEQUENCES TO district_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE district_owner REVOKE SELECT ON TABLES FROM district_reader;

-- A role may change its own settings for good; each run of this file sets them back. What a role cannot change at all
-- are its number of connections, its temporary files and its grants: these are the walls, the others are rails.
ALTER ROLE district_reader RESET ALL;
ALTER ROLE district_reader CONNECTION LIMIT 20;
ALTER ROLE district_reader SET temp_file_limit = '256MB';
ALTER ROLE district_reader SET default_transaction_read_only = on;
ALTER ROLE district_reader SET statement_timeout = '60s';
ALTER ROLE district_reader SET idle_in_transaction_session_timeout = '2min';
ALTER ROLE district_reader SET lock_timeout = '10s';

ALTER ROLE district_grafana RESET ALL;
ALTER ROLE district_grafana CONNECTION LIMIT 15;
ALTER ROLE district_grafana SET temp_file_limit = '256MB';
ALTER ROLE district_grafana SET default_transaction_read_only = on;
ALTER ROLE district_grafana SET statement_timeout = '30s';
ALTER ROLE district_grafana SET idle_in_transaction_session_timeout = '1min';
ALTER ROLE district_grafana SET lock_timeout = '10s';
