CREATE TABLE `session` (
          `id` text PRIMARY KEY,
          `project_id` text NOT NULL,
          `workspace_id` text,
          `parent_id` text,
          `slug` text NOT NULL,
          `directory` text NOT NULL,
          `path` text,
          `title` text NOT NULL,
          `version` text NOT NULL,
          `share_url` text,
          `summary_additions` integer,
          `summary_deletions` integer,
          `summary_files` integer,
          `summary_diffs` text,
          `metadata` text,
          `cost` real DEFAULT 0 NOT NULL,
          `tokens_input` integer DEFAULT 0 NOT NULL,
          `tokens_output` integer DEFAULT 0 NOT NULL,
          `tokens_reasoning` integer DEFAULT 0 NOT NULL,
          `tokens_cache_read` integer DEFAULT 0 NOT NULL,
          `tokens_cache_write` integer DEFAULT 0 NOT NULL,
          `revert` text,
          `permission` text,
          `agent` text,
          `model` text,
          `time_created` integer NOT NULL,
          `time_updated` integer NOT NULL,
          `time_compacting` integer,
          `time_archived` integer);
INSERT INTO "session" VALUES ('ses_dfcc2c311ffeQcIWBgj820uq0I', 'global', NULL, NULL, 'eager-harbor', '/home/ada/shop', 'home/ada/shop', 'heard: hello one', '1.18.33', NULL, 0, 0, 0, NULL, NULL, 0.0, 400, 80, 0, 0, 0, NULL, NULL, 'build', '{"id":"stub-model","providerID":"stub"}', 1795350674670, 1795350711521, NULL, NULL);
CREATE TABLE `message` (
          `id` text PRIMARY KEY,
          `session_id` text NOT NULL,
          `time_created` integer NOT NULL,
          `time_updated` integer NOT NULL,
          `data` text NOT NULL);
INSERT INTO "message" VALUES ('msg_2033d51c6001SjK0d0P9gaDCfF', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350680065, 1795350686655, '{"role":"user","time":{"created":1795350680065},"agent":"build","model":{"providerID":"stub","modelID":"stub-model"},"summary":{"diffs":[]}}');
INSERT INTO "message" VALUES ('msg_2033d6301001WeDKUTnBiArywV', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350684417, 1795350685942, '{"parentID":"msg_2033d51c6001SjK0d0P9gaDCfF","role":"assistant","mode":"build","agent":"build","path":{"cwd":"/home/ada/shop","root":"/"},"cost":0,"tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"modelID":"stub-model","providerID":"stub","time":{"created":1795350684417,"completed":1795350685892},"finish":"stop"}');
INSERT INTO "message" VALUES ('msg_2033d73db001C0Ws7I6cX47GK0', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350688731, 1795350699828, '{"role":"user","time":{"created":1795350688731},"agent":"build","model":{"providerID":"stub","modelID":"stub-model"},"summary":{"diffs":[]}}');
INSERT INTO "message" VALUES ('msg_2033d78050014LptPIs6DknfKE', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350689797, 1795350698292, '{"parentID":"msg_2033d73db001C0Ws7I6cX47GK0","role":"assistant","mode":"build","agent":"build","path":{"cwd":"/home/ada/shop","root":"/"},"cost":0,"tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"modelID":"stub-model","providerID":"stub","time":{"created":1795350689797,"completed":1795350698291},"finish":"tool-calls"}');
INSERT INTO "message" VALUES ('msg_2033d997a001z1ElI5dQofTiRk', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350698363, 1795350699722, '{"parentID":"msg_2033d73db001C0Ws7I6cX47GK0","role":"assistant","mode":"build","agent":"build","path":{"cwd":"/home/ada/shop","root":"/"},"cost":0,"tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"modelID":"stub-model","providerID":"stub","time":{"created":1795350698363,"completed":1795350699716},"finish":"stop"}');
INSERT INTO "message" VALUES ('msg_2033da804001W4p4hOLTzrEJ96', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350702084, 1795350705106, '{"role":"user","time":{"created":1795350702084},"agent":"build","model":{"providerID":"stub","modelID":"stub-model"},"summary":{"diffs":[]}}');
INSERT INTO "message" VALUES ('msg_2033da8c9001vVxxzEEbxwJ7Eq', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350702282, 1795350704926, '{"parentID":"msg_2033da804001W4p4hOLTzrEJ96","role":"assistant","mode":"build","agent":"build","path":{"cwd":"/home/ada/shop","root":"/"},"cost":0,"tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"modelID":"stub-model","providerID":"stub","time":{"created":1795350702282,"completed":1795350704913},"finish":"tool-calls"}');
INSERT INTO "message" VALUES ('msg_2033dc10f001lY1UVtj8v8liwV', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350708495, 1795350711695, '{"role":"user","time":{"created":1795350708495},"agent":"build","model":{"providerID":"stub","modelID":"stub-model"},"summary":{"diffs":[]}}');
INSERT INTO "message" VALUES ('msg_2033dc994001st70AWzYPA3NiW', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350710676, 1795350715560, '{"parentID":"msg_2033dc10f001lY1UVtj8v8liwV","role":"assistant","mode":"build","agent":"build","path":{"cwd":"/home/ada/shop","root":"/"},"cost":0,"tokens":{"input":0,"output":0,"reasoning":0,"cache":{"read":0,"write":0}},"modelID":"stub-model","providerID":"stub","time":{"created":1795350710676,"completed":1795350715537},"error":{"name":"MessageAbortedError","data":{"message":"Aborted"}}}');
CREATE TABLE `part` (
          `id` text PRIMARY KEY,
          `message_id` text NOT NULL,
          `session_id` text NOT NULL,
          `time_created` integer NOT NULL,
          `time_updated` integer NOT NULL,
          `data` text NOT NULL);
INSERT INTO "part" VALUES ('prt_2033d5227001M8KWVOx1YYLUC7', 'msg_2033d51c6001SjK0d0P9gaDCfF', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350680195, 1795350680247, '{"type":"text","text":"hello one"}');
INSERT INTO "part" VALUES ('prt_2033d67be001A26cCt7zGrHpiB', 'msg_2033d6301001WeDKUTnBiArywV', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350685630, 1795350685632, '{"type":"step-start"}');
INSERT INTO "part" VALUES ('prt_2033d67e60014kvPGGfH84brYY', 'msg_2033d6301001WeDKUTnBiArywV', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350685670, 1795350685724, '{"type":"text","text":"heard: hello one","time":{"start":1795350685670,"end":1795350685718}}');
INSERT INTO "part" VALUES ('prt_2033d685f001WKwU0thKbdQ6UQ', 'msg_2033d6301001WeDKUTnBiArywV', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350685791, 1795350685793, '{"reason":"stop","type":"step-finish","tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"cost":0}');
INSERT INTO "part" VALUES ('prt_2033d73dc001Y3Erj3txA689HE', 'msg_2033d73db001C0Ws7I6cX47GK0', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350688740, 1795350688752, '{"type":"text","text":"%run echo two"}');
INSERT INTO "part" VALUES ('prt_2033d8e71001Fg1xXXl9kxg9cM', 'msg_2033d78050014LptPIs6DknfKE', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350695555, 1795350695619, '{"type":"step-start"}');
INSERT INTO "part" VALUES ('prt_2033d8ef7001YLuSw3knrT5I2B', 'msg_2033d78050014LptPIs6DknfKE', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350695672, 1795350698179, '{"type":"tool","tool":"bash","callID":"call_b91ca802941b4d07b39e","state":{"status":"completed","input":{"command":"echo two","timeout":60000},"output":"two\n","metadata":{"output":"two\n","exit":0,"truncated":false},"title":"echo two","time":{"start":1795350695927,"end":1795350698166}}}');
INSERT INTO "part" VALUES ('prt_2033d98fc001D8p8OYIPcLQDTq', 'msg_2033d78050014LptPIs6DknfKE', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350698237, 1795350698250, '{"reason":"tool-calls","type":"step-finish","tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"cost":0}');
INSERT INTO "part" VALUES ('prt_2033d9df5001G018Xghmpt466w', 'msg_2033d997a001z1ElI5dQofTiRk', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350699509, 1795350699511, '{"type":"step-start"}');
INSERT INTO "part" VALUES ('prt_2033d9df8001zNSPydvPSzs301', 'msg_2033d997a001z1ElI5dQofTiRk', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350699512, 1795350699591, '{"type":"text","text":"it said: two","time":{"start":1795350699512,"end":1795350699589}}');
INSERT INTO "part" VALUES ('prt_2033d9e66001CBTStUe0fcAY6s', 'msg_2033d997a001z1ElI5dQofTiRk', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350699623, 1795350699649, '{"reason":"stop","type":"step-finish","tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"cost":0}');
INSERT INTO "part" VALUES ('prt_2033da805001CtUEvS5Wh6iVtk', 'msg_2033da804001W4p4hOLTzrEJ96', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350702158, 1795350702181, '{"type":"text","text":"%run mkdir no"}');
INSERT INTO "part" VALUES ('prt_2033dae72001bCOjh7pVEwFAWz', 'msg_2033da8c9001vVxxzEEbxwJ7Eq', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350703730, 1795350703739, '{"type":"step-start"}');
INSERT INTO "part" VALUES ('prt_2033dae7d001B7drD9be4PYC8p', 'msg_2033da8c9001vVxxzEEbxwJ7Eq', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350703741, 1795350704871, '{"type":"tool","tool":"bash","callID":"call_f73e89e64ae74a409dad","state":{"status":"error","input":{"command":"mkdir no","timeout":60000},"error":"The user rejected permission to use this specific tool call.","time":{"start":1795350703863,"end":1795350704848}}}');
INSERT INTO "part" VALUES ('prt_2033db2f1001IXifNI9uX6lhDq', 'msg_2033da8c9001vVxxzEEbxwJ7Eq', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350704881, 1795350704886, '{"reason":"tool-calls","type":"step-finish","tokens":{"total":120,"input":100,"output":20,"reasoning":0,"cache":{"write":0,"read":0}},"cost":0}');
INSERT INTO "part" VALUES ('prt_2033dc110001OFTzjWobT1ec9s', 'msg_2033dc10f001lY1UVtj8v8liwV', 'ses_dfcc2c311ffeQcIWBgj820uq0I', 1795350708521, 1795350708522, '{"type":"text","text":"%slow 20"}');
