import { geminiContract } from './gemini.ts';

geminiContract('vertexai');
geminiContract('genai');
