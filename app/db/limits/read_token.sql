-- The tenant's token, with its age and what is left of its life, by the database's clock.
select sealed_token,
    coalesce(fetched_at > clock_timestamp() - cast(:young as interval), false) as is_young,
    coalesce(expires_at > clock_timestamp() + cast(:early as interval), false) as is_fresh,
    coalesce(expires_at > clock_timestamp() + cast(:last_use as interval), false) as is_usable
from access_token where tenant_id = :tenant_id
