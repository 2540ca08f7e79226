-- End the lease without a token. `is_free`: none was given, so the fetch, the latest of all, does not count.
update access_token
set refreshing_until = null,
    refreshes = case when :is_free then trim_array(refreshes, 1) else refreshes end
where tenant_id = :tenant_id and refreshing_until = :mine
