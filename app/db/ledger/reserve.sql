-- Make a delivery the one that works on a version of a ticket, and store how the ticket arrived; or read which other one is.
select * from reserve_version(
    :tenant_id, :ticket_id, :version, :job_id, :ticket_updated_at, :has_arrival, :number, :reported_at, :requester, :site,
    :machines, :is_outage, :subject, :body, :terms, :configurations, :max_term_chars, :generic_terms
)
