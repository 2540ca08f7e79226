-- How many documents of each kind are in the tenant's search index.
select kind, documents from corpus where tenant_id = :tenant_id
