create role ai_agents_owner login password 'local';
create role ai_agents_intake login password 'local';
create role ai_agents_worker login password 'local';
create database ai_agents owner ai_agents_owner;
