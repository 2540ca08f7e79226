-- How the model was asked for the tenant's newest note that it wrote. Of the newest rows only: without one, it writes none now.
select model, written_at, content -> 'asked_without' as asked_without, content -> 'is_estimated' as is_estimated
from (
    select model, written_at, content from enhancement where tenant_id = :tenant_id
    order by reserved_at desc limit 50
) newest
where model is not null limit 1
