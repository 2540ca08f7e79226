-- A row while the tenant's help desk throttles.
select true from call_slot where tenant_id = :tenant_id and closed_until > clock_timestamp()
